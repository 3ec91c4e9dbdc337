// A random transfer between a client and a job: each side sends and gets bytes
// in pieces of its own, and checks all that comes.
import type { ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/random_transfers.ts";
import { randomOf } from "./random.ts";
import { tcpPair } from "./sockets.ts";

/** What one side of a transfer does. */
export interface SidePlan {
  /** Of which the bytes are made that it sends, and that it gets. */
  sends: { seed: number; length: number };
  gets: { seed: number; length: number };
  order: "at once" | "sends first" | "gets first";
  /** The most that it gives to a write, and asks of a read. */
  mostWritten: number;
  mostRead: number;
  /** Whether it uses the streams. */
  writesStream: boolean;
  readsStream: boolean;
  /** How often it pauses, from 0 to 1. */
  pauses: number;
  /** Whether it closes its connection when it is done, or leaves that to others. */
  closes: boolean;
  /** Of what else is random. */
  seed: number;
}

const PIECES = [1, 13, 1_000, 4_096, 4_097, 8_192, 16_384, 65_536, 65_537];
const LENGTHS = [0, 1, 100, 4_096, 10_000, 70_000, 300_000];
const LONGEST = 2_000_000;
/** So many pieces a side may make of all its bytes. */
const MOST_PIECES = 300;

const ORDERS: [SidePlan["order"], SidePlan["order"]][] = [
  ["at once", "at once"],
  ["at once", "gets first"],
  ["gets first", "at once"],
  ["sends first", "gets first"],
  ["gets first", "sends first"],
];

/** The transfer of a seed: which end moves, and whether the job is submitted before the client begins. */
export function transferOf(seed: number) {
  const random = randomOf(seed);
  const pick = <T>(from: T[]) => from[Math.floor(random() * from.length)];
  const length = () => {
    const most = random() < 0.03 ? LONGEST : pick(LENGTHS);
    return random() < 0.5 ? most : Math.floor(random() * most);
  };
  const piece = (length: number) => {
    const least = Math.ceil(length / MOST_PIECES);
    return Math.max(least, Math.ceil(pick(PIECES) * (0.5 + random())));
  };
  const up = { seed: seed * 2, length: length() };
  const down = { seed: seed * 2 + 1, length: length() };
  const orders = pick(ORDERS);
  const side = (
    sends: SidePlan["sends"],
    gets: SidePlan["gets"],
    order: SidePlan["order"],
  ): SidePlan => ({
    sends,
    gets,
    order,
    mostWritten: piece(sends.length),
    mostRead: piece(gets.length),
    writesStream: random() < 0.3,
    readsStream: random() < 0.3,
    pauses: random() < 0.5 ? 0 : random() * 0.1,
    closes: random() < 0.5,
    seed: Math.floor(random() * 2 ** 31),
  });
  return {
    client: side(up, down, orders[0]),
    job: side(down, up, orders[1]),
    moves: random() < 0.7 ? "server" as const : "client" as const,
    submitsFirst: random() < 0.5,
  };
}

/** The bytes of a seed, in which each tells its place. */
function bytesOf({ seed, length }: SidePlan["sends"]): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let i = 0; i < words.length; i++) {
    words[i] = Math.imul(i + Math.imul(seed, 40503), 2654435761);
  }
  return new Uint8Array(words.buffer, 0, length);
}

/** Plays one side of a transfer; fails at the first byte that is not as it should be. */
export async function play(conn: Deno.Conn, plan: SidePlan): Promise<void> {
  const acts = [sendAll, getAll];
  if (plan.order === "at once") {
    await Promise.all(acts.map((act) => act(conn, plan)));
  } else {
    if (plan.order === "gets first") acts.reverse();
    for (const act of acts) await act(conn, plan);
  }
  if (plan.closes) conn.close();
}

async function sendAll(conn: Deno.Conn, plan: SidePlan): Promise<void> {
  const random = randomOf(plan.seed);
  const bytes = bytesOf(plan.sends);
  const writer = plan.writesStream ? conn.writable.getWriter() : undefined;
  // A write may be from memory that is used again.
  const piece = new Uint8Array(plan.mostWritten);
  for (let sent = 0; sent < bytes.length;) {
    const length = 1 + Math.floor(random() * plan.mostWritten);
    const part = bytes.subarray(sent, sent + length);
    if (writer) {
      await writer.write(part);
      sent += part.length;
    } else {
      piece.set(part);
      sent += await conn.write(piece.subarray(0, part.length));
      piece.fill(0xff);
    }
    await maybePause(random() < plan.pauses);
  }
  // A stream that is closed closes the whole connection.
  writer?.releaseLock();
  await conn.closeWrite();
}

async function getAll(conn: Deno.Conn, plan: SidePlan): Promise<void> {
  const random = randomOf(~plan.seed);
  const expected = bytesOf(plan.gets);
  let got = 0;
  for await (const part of partsOf(conn, plan, random)) {
    const wrong = part.findIndex((byte, i) => byte !== expected[got + i]);
    if (wrong !== -1) {
      throw new Error(`Byte ${got + wrong} is ${part[wrong]}`);
    }
    got += part.length;
    await maybePause(random() < plan.pauses);
  }
  if (got !== expected.length) {
    throw new Error(`${got} bytes have come of ${expected.length}`);
  }
}

async function* partsOf(
  conn: Deno.Conn,
  { readsStream, mostRead, gets }: SidePlan,
  random: () => number,
): AsyncGenerator<Uint8Array> {
  // A stream that has come to its end closes the whole connection, too.
  if (readsStream) {
    const reader = conn.readable.getReader();
    for (let left = gets.length; left > 0;) {
      const { value, done } = await reader.read();
      if (done) break;
      left -= value.length;
      yield value;
    }
    reader.releaseLock();
  }
  const buffer = new Uint8Array(mostRead);
  for (;;) {
    const view = buffer.subarray(0, 1 + Math.floor(random() * mostRead));
    const count = await conn.read(view);
    if (count === null) return;
    yield view.subarray(0, count);
  }
}

async function maybePause(isPause: boolean): Promise<void> {
  if (isPause) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** Makes the transfer of a seed between a client here and a job of the pool. */
async function checkTransfer(
  pool: ThreadPool<typeof jobs>,
  seed: number,
): Promise<void> {
  const { client, job, moves, submitsFirst } = transferOf(seed);
  const pair = await tcpPair();
  const conn = moves === "server" ? pair.client : pair.server;
  const begin = () => play(conn, client);
  const submit = () => pool.execute("play", [pair[moves], job]);
  const acts = submitsFirst ? [submit, begin] : [begin, submit];
  let isDone = false;
  try {
    await Promise.all(acts.map((act) => act()));
    isDone = true;
  } catch (cause) {
    const plan = Deno.inspect(transferOf(seed));
    throw new Error(`Transfer ${seed} failed: ${plan}`, { cause });
  } finally {
    if (!isDone || !client.closes) closeIfOpen(conn);
  }
}

function closeIfOpen(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** Makes the transfers of so many seeds, a few of them at once. */
export async function checkTransfers(
  pool: ThreadPool<typeof jobs>,
  { seed, count }: { seed: number; count: number },
  done: () => void = () => {},
): Promise<void> {
  const end = seed + count;
  async function some(): Promise<void> {
    while (seed < end) {
      await checkTransfer(pool, seed++);
      done();
    }
  }
  await Promise.all(Array.from({ length: 8 }, some));
}
