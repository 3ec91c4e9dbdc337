// Makes the frames that main sends to a process: texts for plain values, and clones
// for all other values.

import type { MovedList } from "../moving/kind.ts";
import { toText } from "../values/plain_text.ts";
import { type JobList, JobListReader } from "../wire/job_list.ts";
import { encodeClone } from "./clone.ts";
import type { Part } from "./deno_process.ts";
import { frameHead, Kind, textFrame } from "./frames.ts";
import type { DataMessage, ToProcess } from "./protocol.ts";

/** A job that main has not written to the process. */
export interface JobFrames {
  seq: number;
  /** Whether the job has a timeout. */
  isTimed: boolean;
  /** Whether the job runs alongside jobs in progress. */
  isAside: boolean;
  /** Number of values that move; if any move, the job is sent even if taken back. */
  moving: number;
  frames: Part[];
}

/**
 * Returns separate frames for each job of a list.
 *
 * @param moved Values that move with each job
 * @throws If a job cannot be cloned
 */
export function jobFrames(
  list: JobList,
  moves: readonly Transferable[],
  moved: readonly MovedList[] = [],
): JobFrames[] {
  const jobs: JobFrames[] = [];
  const reader = new JobListReader(list);
  while (reader.read()) {
    const { seq, isAside, timeout } = reader;
    const own = moved[jobs.length];
    let frames: Part[];
    if (own) {
      const message = {
        kind: "moving-jobs",
        jobs: reader.single,
        moved: [own],
      };
      frames = cloneFrames(message, moves);
    } else {
      const text = reader.text ?? toText(reader.args);
      frames = text === undefined
        ? cloneFrames(reader.single, moves)
        : textFrame(reader.singleAsText(text));
    }
    const moving = own?.length ?? 0;
    jobs.push({ seq, isTimed: timeout < Infinity, isAside, moving, frames });
  }
  return jobs;
}

/** @throws If the message cannot be cloned */
export function messageFrames(
  message: ToProcess | DataMessage,
  moves?: readonly Transferable[],
): Part[] {
  const text = toText(message);
  return text === undefined ? cloneFrames(message, moves) : textFrame(text);
}

function cloneFrames(
  message: unknown,
  moves?: readonly Transferable[],
): Part[] {
  const { clone, buffers, blob } = encodeClone(message, moves);
  const parts: Part[] = [];
  for (const bytes of buffers) {
    parts.push(frameHead(Kind.BYTES, bytes.length), bytes);
  }
  if (blob) parts.push(frameHead(Kind.BYTES, blob.size), blob);
  parts.push(frameHead(Kind.CLONE, clone.length), clone);
  return parts;
}
