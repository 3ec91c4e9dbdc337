// Tests the bytes of messages between main and a process: frames and chunks, split
// anywhere, and refused frames; and the frames of a list of jobs.
import { assertEquals, assertThrows } from "@std/assert";
import {
  ATOMIC,
  CHUNK_HEAD,
  ChunkReader,
  ChunkWriter,
  MARK,
} from "../../src/process/chunks.ts";
import {
  frameHead,
  FrameReader,
  Kind,
  LARGE,
  textFrame,
} from "../../src/process/frames.ts";
import { jobFrames } from "../../src/process/main_frames.ts";
import { JobListReader } from "../../src/wire/job_list.ts";

const MARKED = crypto.getRandomValues(new Uint8Array(MARK));
const LONGEST = 100_000;
const decoder = new TextDecoder();

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function concat(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

function frame(kind: number, bytes: Uint8Array): Uint8Array {
  return concat(frameHead(kind as Kind, bytes.length), bytes);
}

/** Returns the chunks of frames. */
function chunksOf(...frames: [Kind, Uint8Array][]): Uint8Array {
  const written: Uint8Array[] = [];
  const writer = new ChunkWriter([...MARKED], ATOMIC, (bytes) => {
    // A file may accept fewer bytes.
    const count = Math.min(bytes.length, 3_000);
    written.push(bytes.slice(0, count));
    return count;
  });
  for (const [kind, bytes] of frames) writer.write(kind, bytes);
  return concat(...written);
}

/** Reads bytes that come in pieces. */
function readAll(pieces: Uint8Array[]) {
  const messages: [Kind, string, number[]][] = [];
  let printed = "";
  const frames = new FrameReader((kind, bytes, buffers) => {
    const lengths = buffers.map(({ length }) => length);
    messages.push([kind, decoder.decode(bytes), lengths]);
  }, LONGEST);
  const chunks = new ChunkReader(
    MARKED,
    (bytes) => frames.push(bytes),
    (bytes) => printed += decoder.decode(bytes),
  );
  for (const piece of pieces) chunks.push(piece.slice());
  chunks.end();
  return { messages, printed };
}

Deno.test("ChunkReader separates frames from text, split at any byte", () => {
  const bytes = concat(
    bytesOf("before"),
    chunksOf([Kind.TEXT, bytesOf("one")], [Kind.TEXT, bytesOf("")]),
    MARKED.slice(0, 3),
    chunksOf([Kind.BYTES, new Uint8Array(LARGE)]),
    bytesOf("between"),
    chunksOf(
      [Kind.BYTES, new Uint8Array(7)],
      [Kind.CLONE, bytesOf("y".repeat(ATOMIC))],
    ),
    bytesOf("after"),
    MARKED.slice(0, MARK - 1),
  );
  const cut = decoder.decode(MARKED.slice(0, 3));
  const end = decoder.decode(MARKED.slice(0, MARK - 1));
  const messages = [
    [Kind.TEXT, "one", []],
    [Kind.TEXT, "", []],
    [Kind.CLONE, "y".repeat(ATOMIC), [LARGE, 7]],
  ];
  const printed = `before${cut}betweenafter${end}`;
  assertEquals(readAll([bytes]), { messages, printed } as unknown);
  const single = [...bytes].map((byte) => new Uint8Array([byte]));
  assertEquals(readAll(single).messages, messages as unknown);
  for (let at = 0; at < 100; at++) {
    const torn = [bytes.subarray(0, at), bytes.subarray(at)];
    assertEquals(readAll(torn).messages, messages as unknown);
  }
});

Deno.test("ChunkReader treats a chunk with a forged mark as text", () => {
  for (let i = 0; i < MARK; i++) {
    const forged = chunksOf([Kind.TEXT, bytesOf("forged")]);
    forged[i] ^= 1;
    const { messages, printed } = readAll([
      forged,
      chunksOf([Kind.TEXT, bytesOf("right")]),
    ]);
    assertEquals(messages, [[Kind.TEXT, "right", []]]);
    assertEquals(printed, decoder.decode(forged));
  }
});

Deno.test("ChunkReader prints text outside of chunks at once", () => {
  let printed = "";
  const reader = new ChunkReader(MARKED, () => {}, (bytes) => {
    printed += decoder.decode(bytes);
  });
  reader.push(bytesOf("a line\n"));
  assertEquals(printed, "a line\n");
});

Deno.test("FrameReader refuses a message that is too long by its head", () => {
  const read = (...frames: Uint8Array[]) => {
    const reader = new FrameReader(() => {}, LONGEST);
    for (const frame of frames) reader.push(frame);
  };
  read(frame(Kind.TEXT, new Uint8Array(LONGEST)));
  assertThrows(() => read(frameHead(Kind.TEXT, LONGEST + 1)), RangeError);
  assertThrows(() => read(frameHead(Kind.CLONE, 2 ** 32 - 1)), RangeError);
  const half = frame(Kind.BYTES, new Uint8Array(LONGEST / 2));
  read(half, half, frame(Kind.CLONE, new Uint8Array()), half, half);
  assertThrows(
    () => read(half, half, frameHead(Kind.CLONE, 1)),
    RangeError,
    "may take 100000",
  );
});

Deno.test("FrameReader refuses bytes without a clone, and frames of an unknown kind", () => {
  const read = (bytes: Uint8Array) => new FrameReader(() => {}).push(bytes);
  const some = frame(Kind.BYTES, new Uint8Array(7));
  const none = frame(Kind.BYTES, new Uint8Array());
  assertThrows(() => read(concat(some, some)), RangeError);
  assertThrows(() => read(concat(none, none)), RangeError);
  assertThrows(() => read(frame(3, bytesOf("a"))), RangeError);
});

Deno.test("textFrame() makes a frame of a text of any length", () => {
  for (const length of [0, 1, 300, 1364, 1365, 5_000, 70_000]) {
    for (const letter of ["a", "ö", "€", "😀"]) {
      const text = letter.repeat(length);
      const read: string[] = [];
      const reader = new FrameReader((kind, bytes) => {
        assertEquals(kind, Kind.TEXT);
        read.push(decoder.decode(bytes));
      });
      for (const part of textFrame(text)) reader.push(part);
      assertEquals(read, [text]);
    }
  }
});

Deno.test("jobFrames() splits a list of jobs", () => {
  const list = [-1, 7, 1, 0, 2, "a", "b", -2, 50, 2, 1, -1, "[]", -2, Infinity];
  list.push(3, 0, 0);
  const jobs = jobFrames(list, []);
  assertEquals(jobs.map(({ seq, isTimed }) => [seq, isTimed]), [
    [7, false],
    [8, true],
    [9, false],
  ]);
  const read = jobs.map(({ frames }) => {
    let job: unknown[] = [];
    const reader = new FrameReader((_, bytes) => {
      const reader = new JobListReader(JSON.parse(decoder.decode(bytes)));
      reader.read();
      const { seq, id, functionId, args, timeout } = reader;
      job = [seq, id, functionId, args, timeout];
      assertEquals(reader.read(), false);
    });
    for (const part of frames) reader.push(part as Uint8Array);
    return job;
  });
  assertEquals(read, [
    [7, 1, 0, ["a", "b"], Infinity],
    [8, 2, 1, [], 50],
    [9, 3, 0, [], Infinity],
  ]);
});

Deno.test("CHUNK_HEAD is the length of a chunk's head", () => {
  const bytes = chunksOf([Kind.TEXT, bytesOf("abc")]);
  assertEquals(bytes.length, CHUNK_HEAD + 5 + 3);
});
