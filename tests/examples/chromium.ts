// A Chromium of a test's own, if the system has one.
import { type Browser, chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** The path of the first that is found, if any. */
export const CHROMIUM = NAMES.flatMap((name) =>
  (Deno.env.get("PATH") ?? "").split(":").map((folder) => `${folder}/${name}`)
).find(isFile);

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false; // or not to be reached, which is the same here
  }
}

/** Starts it, without a window; disposing ends it. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox"], // it has none for root
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
}
