// Tests of the table in docs/moving.md: values are sent to all kinds of workers and back.
import { assert, assertEquals } from "@std/assert";
import { JobCloneError, ThreadPool } from "@spindle/thread-pool";
import * as rows from "./fixtures/moving_rows.ts";
import { isOldDeno, isWindows } from "./moving_pools.ts";
import { eachRow, test } from "./pools.ts";

const { ROWS, closeAll, hasArrived, make } = rows;
const MODULE = new URL("./fixtures/moving_rows.ts", import.meta.url);
const COLUMNS = { thread: 2, process: 3, none: 2 };
/** Values that can be arguments, but not results. */
const ONE_WAY = /Conn`$|^`AbortSignal`$/;

/** Returns the rows of the table, each a list of cells. */
function table(): Map<string, string[]> {
  const url = new URL("../docs/moving.md", import.meta.url);
  const lines = Deno.readTextFileSync(url).split("\n");
  const all = lines.filter((line) => line.startsWith("|")).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  );
  return new Map(all.slice(2).map((row) => [row[0], row]));
}

/** Returns why a call was refused, or `undefined` if the value has arrived. */
async function outcomeOf(call: Promise<boolean>): Promise<string | undefined> {
  try {
    assert(await call, "Expected it to arrive as the table says");
    return undefined;
  } catch (error) {
    if (!(error instanceof JobCloneError)) throw error;
    // Without the place in the value, and with the table's footnote.
    return error.message.replace(/^The result of .* cannot be sent: /, "")
      .replace(/^(args|result)\S* \(.+?\) |^a \S+ (?=is|cannot)/, "")
      .replace(/: nothing of it would arrive .*/, "¹");
  }
}

/** Sends the value of a row twice, and returns what the table should say. */
async function send(
  pool: ThreadPool<typeof rows>,
  name: string,
  isMarked: boolean,
): Promise<{ refusal?: string; isShared?: boolean; isGone?: boolean }> {
  const value = await make(name, isMarked);
  const call = () => outcomeOf(pool.execute("hasArrived", [name, value]));
  const first = call();
  ROWS[name].after?.();
  const refusal = await first;
  if (refusal !== undefined) return { refusal };
  const isShared = memoryOf(value)?.[0] === 42;
  return { isShared, isGone: await call() !== undefined };
}

function memoryOf(value: unknown): Uint8Array | undefined {
  const memory = value instanceof WebAssembly.Memory ? value.buffer : value;
  return memory instanceof SharedArrayBuffer
    ? new Uint8Array(memory)
    : undefined;
}

/** Returns the cell of a row in the column of one kind of worker. */
async function cell(
  pool: ThreadPool<typeof rows>,
  name: string,
  isProcess: boolean,
): Promise<string> {
  const plain = await send(pool, name, false);
  const marked = await send(pool, name, true);
  if (plain.refusal !== undefined) {
    if (marked.refusal === undefined) return "only with `transfer()`";
    assertEquals(marked.refusal, plain.refusal);
    return `refused: ${plain.refusal}`;
  }
  if (plain.isShared) return "shared";
  if (plain.isGone) return "moves by itself";
  if (ROWS[name].after) return "stays, and is followed";
  if (!marked.isGone) return "copied";
  return isProcess
    ? "copied; `transfer()` detaches it here"
    : "copied, or moves with `transfer()`";
}

/** Returns whether the value of a row arrives as an argument, or as a result. */
async function goes(
  pool: ThreadPool<typeof rows>,
  name: string,
  direction: "there" | "back",
): Promise<boolean> {
  const isMarked = name === "`MessagePort`";
  const call = async () => {
    const value = direction === "there"
      ? await make(name, isMarked)
      : await pool.execute("make", [name, isMarked]);
    const arrived = direction === "there"
      ? pool.execute("hasArrived", [name, value])
      : hasArrived(name, value);
    ROWS[name].after?.();
    return await arrived;
  };
  return await outcomeOf(call()) === undefined;
}

test("docs/moving.md has a row for every value, and says what it arrives as", () => {
  const said = [...table().values()].map(([name, as]) => [name, as]);
  const known = Object.entries(ROWS).map(([name, { as }]) => [name, as ?? ""]);
  assertEquals(said, known);
});

for (const isolation of ["thread", "process", "none"] as const) {
  const name =
    `docs/moving.md says how each value moves, where \`isolation\` is "${isolation}"`;
  // Older versions of Deno do not clone all of these values.
  test({ name, ignore: isOldDeno }, async () => {
    const rowsOfTable = table();
    await using pool = new ThreadPool<typeof rows>({
      module: MODULE,
      size: 1,
      isolation,
    });
    await eachRow(ROWS, async (_, name) => {
      if (isWindows && name.includes("UnixConn")) return;
      try {
        const found = await cell(pool, name, isolation === "process");
        assertEquals(rowsOfTable.get(name)?.[COLUMNS[isolation]], found);
        const back = await goes(pool, name, "there") && !ONE_WAY.test(name);
        assertEquals(await goes(pool, name, "back"), back);
        await pool.execute("closeAll");
      } finally {
        closeAll();
      }
    });
  });
}
