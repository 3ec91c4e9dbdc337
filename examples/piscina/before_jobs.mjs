// The handlers of before.mjs.
import { createHash } from "node:crypto";
import { move } from "piscina";

export function hash({ word }) {
  return createHash("md5").update(word).digest("hex").slice(0, 8);
}

export function invert(pixels) {
  return move(pixels.map((value) => 255 - value));
}

export function loop() {
  while (true);
}
