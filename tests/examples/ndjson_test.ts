// Tests the example that adds up JSON lines, by the command in its header.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Example, runExample } from "./example.ts";

/** Runs a test with a file that has this text. */
async function withFile(text: string, test: (path: string) => Promise<void>) {
  const path = await Deno.makeTempFile({ suffix: ".ndjson" });
  try {
    await Deno.writeTextFile(path, text);
    await test(path);
  } finally {
    await Deno.remove(path);
  }
}

/** Returns the sums that the example prints for a file with this text. */
async function sumsOf(text: string): Promise<unknown> {
  let sums: unknown;
  await withFile(text, async (path) => {
    const [alone, pool, ...json] = await runExample("ndjson.ts", {
      args: [path],
    });
    assertMatch(alone, /^alone: \d+ lines\/s, at most \d+ MiB$/);
    assertMatch(pool, /^pool: \d+ lines\/s, at most \d+ MiB$/);
    sums = JSON.parse(json.join("\n"));
  });
  return sums;
}

/** Returns a line; a comment makes it long. */
const lineOf = (shop: string, cents: number, comment?: string) =>
  JSON.stringify({ comment, shop, cents });

Deno.test("ndjson.ts adds up each line once, also across the ends of blocks", async () => {
  const shops = ["Zürich", "東京", "🦕", "constructor", "__proto__"];
  const lines: string[] = [];
  const counts = [0, 0, 0, 0, 0];
  const cents = [0, 0, 0, 0, 0];
  for (let i = 0; i < 60_000; i++) {
    const shop = i % 5;
    lines.push(lineOf(shops[shop], i));
    counts[shop]++;
    cents[shop] += i;
  }
  const expected = Object.fromEntries(
    shops.map((shop, i) => [shop, { count: counts[i], cents: cents[i] }]),
  );
  const sums = await sumsOf(lines.join("\n") + "\n");
  assertEquals(sums, expected);
});

Deno.test("ndjson.ts accepts CRLF, empty lines, and a last line without a line break", async () => {
  const lines = [lineOf("a", 1), "", lineOf("b", 20), lineOf("a", 300)];
  const expected = { a: { count: 2, cents: 301 }, b: { count: 1, cents: 20 } };
  for (const end of ["\n", "\r\n"]) {
    const text = lines.join(end);
    for (const rest of ["", end, end + end]) {
      assertEquals(await sumsOf(text + rest), expected);
    }
  }
  assertEquals(await sumsOf(""), {});
});

Deno.test("ndjson.ts accepts lines longer than its blocks", async () => {
  // The blocks have 256 KiB.
  const sizes = [2 ** 18 - 50, 2 ** 18, 2 ** 20 + 1, 0, 5_000_000, 0];
  const lines = sizes.map((size) => lineOf("a", 7, "ü".repeat(size / 2)));
  const count = sizes.length;
  assertEquals(await sumsOf(lines.join("\n")), {
    a: { count, cents: 7 * count },
  });
});

Deno.test("ndjson.ts prints a line that is not JSON, and the name of a file that it cannot read", async () => {
  const expectError = async (path: string, error: RegExp) => {
    await using example = await Example.start("ndjson.ts", { args: [path] });
    assert(await example.code() !== 0);
    assertMatch(example.output, error);
  };
  await withFile(
    lineOf("a", 1) + "\noops\n",
    (path) => expectError(path, /SyntaxError: Expected JSON: oops\n/),
  );
  await expectError("no such file", /NotFound: .*no such file/);
});
