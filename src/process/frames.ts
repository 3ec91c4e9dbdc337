// How main and a process tell bytes apart: every message is a frame, a length,
// a kind and the bytes of the message.
//
// Main writes frames to the process's standard input, and nobody else does. The
// process writes them to its standard error, since its standard output is the
// program's own; whatever else runs there writes to it as well. So a frame comes
// in chunks that begin with a mark which nobody else knows, each written at once,
// and what stands between them is text for the program's standard error.

/** What the bytes of a frame are. */
export const Kind = {
  TEXT: 0,
  CLONE: 1,
  /** What the next clone refers to: a buffer of it, or the bytes of its blobs. */
  BYTES: 2,
} as const;

/** One of {@linkcode Kind}. */
export type Kind = typeof Kind[keyof typeof Kind];

/** What the process is told first, as text: all that it needs in order to begin. */
export interface ProcessInit {
  /** What its chunks begin with. */
  mark: number[];
  /** How many bytes it writes at once. */
  chunk: number;
  /** No message of it may be longer, in bytes. */
  longest: number;
  /** No clone in one may be longer, large buffers aside. */
  densest: number;
  /** The name of the worker. */
  name: string;
  workerId: number;
  module: string | undefined;
  concurrency: number;
  /** MiB above which the heap is told of. */
  maxHeap: number | undefined;
  /** Whether it stops by itself what takes too long. */
  guards: boolean;
  /** The kinds of permissions that it must not have. */
  denied: Deno.PermissionName[];
  timeOrigin: number;
}

/** Bytes of a frame's length and kind. */
export const FRAME_HEAD = 5;
/** Bytes of a mark. */
export const MARK = 16;
/**
 * Bytes before those of a chunk: the mark, its length, the kind of the frame, and
 * how many bytes of that follow in other chunks.
 */
export const CHUNK_HEAD = MARK + 9;
/** Where in it these stand. */
export const CHUNK_LENGTH = MARK;
export const CHUNK_KIND = MARK + 4;
export const CHUNK_REST = MARK + 5;

/** So many bytes are written to a pipe in one piece, whoever else writes to it. */
export const ATOMIC = 4096;
/** Buffers of so many bytes, or more, are frames of their own, so that they are copied once. */
export const LARGE = 32 * 1024;

/** What a chunk may have at most, its head included; a pipe holds no more. */
export const LONGEST_CHUNK = 64 * 1024;
