// Moves many bytes through one connection in one way, and tells how long that took.
import { setTimeout as wait } from "node:timers/promises";
import { listen } from "./contestants/listen.ts";
import { sampleLoopDelay } from "./loop_delay.ts";
import { obey, setting, tell } from "./parent.ts";
import { startPeer } from "./peer.ts";
import { openHandler } from "./stream_handler.ts";
import type { Direction, Way } from "./stream_ways.ts";

/** What this process is told. */
export interface StreamSetting {
  way: Way;
  direction: Direction;
  mib: number;
}

/** What it tells. */
export interface StreamFigures {
  seconds: number;
  /** By how many ms main's timers were late during the stream. */
  delays: number[];
  /** The same for as long without a stream. */
  control: number[];
}

const { way, direction, mib } = setting<StreamSetting>();
const handler = await openHandler(way, direction, mib);
const listener = listen();
const program = direction === "in" ? "send" : "receive";
await using peer = startPeer(program, [listener.addr.port, mib]);
const conn = await listener.accept();
// A peer that receives says so first; its second line comes when it has all.
if (direction === "out") await peer.line();

const stop = sampleLoopDelay();
const begun = performance.now();
const handled = handler(conn);
await (direction === "in" ? handled : Promise.all([handled, peer.line()]));
const ms = performance.now() - begun;
const delays = stop();
await peer.end();

const stopControl = sampleLoopDelay();
await wait(ms);
tell({ seconds: ms / 1000, delays, control: stopControl() });
await obey();
