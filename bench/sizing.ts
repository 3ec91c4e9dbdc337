// Measures what docs/sizing.md says, and draws its curves:
//
//   deno run -A bench/sizing.ts [--rounds 7] [--only PICTURE] [--out docs]
//
// Each round is a process of its own that measures every point once, every other one
// backwards. The figures are the medians of the rounds; of the speed-up, which
// whatever else runs can only lower, they are the best.
import { parseArgs } from "node:util";
import { ThreadPool, type ThreadPoolOptions, transfer } from "../mod.ts";
import { type Curve, draw } from "./curves.ts";
import * as jobs from "./sizing_jobs.ts";
import { median } from "./stats.js";

type Pool = ThreadPool<typeof jobs>;
/** A place on the x axis, and how a figure is made for it. */
type Point = { key: string; measure: () => Promise<number> };

const SIZES = [1, 2, 4];
const DURATIONS = [1, 3, 10, 30, 100, 1_000, 100_000]; // µs
const WAITING = [1, 4, 16, 64, 256, 1024, 8192];
const BYTES = [1, 8, 64, 512, 4096, 16_384].map((kib) => kib * 1024);
const CONCURRENCY = [1, 4, 16, 64, 256];
const BLOCKS = [1, 10, 100, 1_000, 5_000];
const ITEMS = 5_000;
const ITEM_BYTES = 9; // of a number among small numbers, as JSON, about
const KINDS: Record<string, ThreadPoolOptions> = {
  thread: {},
  hardKill: { hardKill: true },
  process: { isolation: "process" },
};

function open(options: ThreadPoolOptions): Pool {
  const module = new URL("./sizing_jobs.ts", import.meta.url);
  return new ThreadPool({ module, size: 1, ...options });
}

/** Runs with a pool whose workers are ready and warm. */
async function withPool<T>(
  options: ThreadPoolOptions,
  run: (pool: Pool) => Promise<T>,
): Promise<T> {
  await using pool = open(options);
  await pool.start();
  const warmUp = Array.from(
    { length: 500 },
    (_, i) => pool.execute("increment", [i]),
  );
  await Promise.all(warmUp);
  return await run(pool);
}

/** Milliseconds that something takes. */
async function timed(run: () => unknown): Promise<number> {
  const begun = performance.now();
  await run();
  return performance.now() - begun;
}

/** Keeps so many jobs waiting or running until `count` have ended. */
async function keep(
  width: number,
  count: number,
  job: () => Promise<unknown>,
): Promise<void> {
  let left = count;
  const lane = async () => {
    while (left-- > 0) await job();
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
}

/** Steps of `spin()` in a microsecond. */
async function stepsPerMicrosecond(): Promise<number> {
  jobs.spin(1e6);
  const times = [];
  for (let i = 0; i < 5; i++) times.push(await timed(() => jobs.spin(2e6)));
  return 2e6 / median(times) / 1000;
}

/** How many times faster than calls one after the other in this thread. */
async function speedUp(
  us: number,
  steps: number,
  size: number,
  width: number,
): Promise<number> {
  const ms = 40 * Math.min(size, 2);
  const most = width === 1 ? 1_000 : 20_000;
  const count = Math.max(4, Math.min(most, Math.ceil(ms * 1000 / us)));
  return await withPool({ size }, async (pool) => {
    const direct = () => {
      for (let i = 0; i < count; i++) jobs.spin(steps);
    };
    await keep(width, 8, () => pool.execute("spin", [steps]));
    const before = await timed(direct);
    const took = await timed(() =>
      keep(width, count, () => pool.execute("spin", [steps]))
    );
    return (before + await timed(direct)) / 2 / took;
  });
}

async function points(): Promise<Point[]> {
  const steps = await stepsPerMicrosecond();
  const all: Point[] = [];
  const add = (key: string, measure: Point["measure"]) => {
    all.push({ key, measure });
  };
  for (const us of DURATIONS) {
    const each = (size: number, width: number) =>
      speedUp(us, Math.round(us * steps), size, width);
    for (const size of SIZES) {
      add(`speed-up|size ${size}|${us}`, () => each(size, Infinity));
    }
    add(`speed-up|await each|${us}`, () => each(2, 1));
  }
  for (const width of WAITING) {
    add(`overhead|µs a job|${width}`, () =>
      withPool({}, async (pool) => {
        const count = Math.min(10_000, 1_000 * width);
        const run = () => keep(width, count, () => pool.execute("nothing"));
        await run();
        return await timed(run) * 1000 / count;
      }));
  }
  for (const size of BYTES) {
    const count = Math.max(8, Math.min(500, 2 ** 24 / size));
    const send = (make: () => ArrayLike<unknown>) => () =>
      withPool({}, async (pool) => {
        const values = Array.from({ length: 2 * count }, make);
        const send = () => pool.execute("lengthOf", [values.pop()!]);
        await keep(1, count, send);
        return await timed(() => keep(1, count, send)) * 1000 / count;
      });
    add(`arguments|bytes, copied|${size}`, send(() => new Uint8Array(size)));
    add(
      `arguments|bytes, moved|${size}`,
      send(() => transfer(new Uint8Array(size))),
    );
    if (size > 2 ** 20) continue;
    const length = size / ITEM_BYTES;
    add(
      `arguments|array of numbers|${size}`,
      send(() => Array.from({ length }, (_, i) => 12_345_678 + i)),
    );
  }
  for (const concurrency of CONCURRENCY) {
    for (const size of SIZES.slice(0, 2)) {
      add(
        `concurrency|size ${size}|${concurrency}`,
        () =>
          withPool({ size, concurrency }, async (pool) => {
            const count = Math.min(2_000, 10 * concurrency * size);
            const job = () => pool.execute("wait", [5]);
            return count / await timed(() => keep(Infinity, count, job)) * 1000;
          }),
      );
    }
  }
  for (const block of BLOCKS) {
    const items = Array.from({ length: ITEMS }, (_, i) => i);
    const blocks = Array.from(
      { length: ITEMS / block },
      (_, i) => items.slice(i * block, (i + 1) * block),
    );
    const cost = (run: (pool: Pool) => Promise<unknown>) => () =>
      withPool({}, async (pool) => {
        await run(pool);
        return await timed(() => run(pool)) * 1000 / ITEMS;
      });
    add(
      `blocks|execute() awaited|${block}`,
      cost(async (pool) => {
        for (const one of blocks) await pool.execute("addBlock", [one]);
      }),
    );
    add(
      `blocks|execute() at once|${block}`,
      cost((pool) =>
        Promise.all(blocks.map((one) => pool.execute("addBlock", [one])))
      ),
    );
    add(
      `blocks|map()|${block}`,
      cost(async (pool) => {
        for await (const _ of pool.map("addBlock", blocks));
      }),
    );
  }
  for (const [kind, options] of Object.entries(KINDS)) {
    add(`start|${kind}|first result, ms`, async () => {
      const pool = open(options);
      const took = await timed(() => pool.execute("nothing"));
      await pool.close();
      return took;
    });
    add(
      `start|${kind}|one at a time, µs`,
      () =>
        withPool(options, async (pool) => {
          const run = () => keep(1, 500, () => pool.execute("nothing"));
          await run();
          return await timed(run) * 2;
        }),
    );
  }
  return all;
}

/** MiB that this process and its children have for themselves. */
function memory(pid = Deno.pid): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
  const own = [...text.matchAll(/^Private_\w+:\s+(\d+) kB/gm)]
    .reduce((sum, [, kib]) => sum + Number(kib), 0);
  const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`)
    .split(" ").filter(Boolean).map(Number);
  return own / 1024 + children.reduce((sum, id) => sum + memory(id), 0);
}

/** Prints what a worker takes, in a process that has done nothing else. */
async function printMemory(kind: string): Promise<void> {
  const before = memory();
  const figure = await withPool({ ...KINDS[kind], size: 4 }, () => {
    return Promise.resolve((memory() - before) / 4);
  });
  console.log(JSON.stringify({ [`start|${kind}|MiB a worker`]: figure }));
}

/** Measures every point once, and prints the figures. */
async function round(isBackwards: boolean, only = ""): Promise<void> {
  const all = (await points()).filter(({ key }) => key.startsWith(only));
  const figures: Record<string, number> = {};
  for (const { key, measure } of isBackwards ? all.reverse() : all) {
    figures[key] = await measure();
  }
  console.log(JSON.stringify(figures));
}

/** The figures that this program prints in a process of its own. */
async function child(args: string[]): Promise<Record<string, number>> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", import.meta.url, ...args],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`${args.join(" ")} has failed`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function measureAll(
  rounds: number,
  only = "",
): Promise<Map<string, number>> {
  const found = new Map<string, number[]>();
  for (let i = 0; i < rounds; i++) {
    const runs = [["--round", String(i), "--only", only]];
    if ("start".startsWith(only)) {
      for (const kind of Object.keys(KINDS)) runs.push(["--memory", kind]);
    }
    for (const args of runs) {
      for (const [key, figure] of Object.entries(await child(args))) {
        found.set(key, [...found.get(key) ?? [], figure]);
      }
    }
    console.error(`round ${i + 1} of ${rounds}`);
  }
  const figureOf = (key: string, list: number[]) =>
    key.startsWith("speed-up") ? Math.max(...list) : median(list);
  return new Map([...found].map(([key, list]) => [key, figureOf(key, list)]));
}

/** The curves of one picture. */
function curvesOf(figures: Map<string, number>, picture: string): Curve[] {
  const curves = new Map<string, Curve>();
  for (const [key, y] of figures) {
    const [of, name, x] = key.split("|");
    if (of !== picture) continue;
    const curve = curves.get(name) ?? { name, points: [] };
    curve.points.push([Number(x), y]);
    curves.set(name, curve);
  }
  for (const { points } of curves.values()) points.sort(([a], [b]) => a - b);
  return [...curves.values()].sort((a, b) => a.name < b.name ? -1 : 1);
}

const bytes = (size: number) =>
  size < 2 ** 20 ? `${size / 1024} KiB` : `${size / 2 ** 20} MiB`;
const duration = (us: number) => us < 1000 ? `${us} µs` : `${us / 1000} ms`;

const PICTURES = {
  "speed-up": {
    title: "How many times faster than calling the function yourself, 2 cores",
    x: "duration of a job",
    y: "times faster",
    formatX: duration,
  },
  "overhead": {
    title: "Microseconds for a job that does nothing",
    x: "jobs in flight at once",
    y: "µs a job",
  },
  "arguments": {
    title: "Microseconds for a job, by the size of its argument",
    x: "size",
    y: "µs",
    formatX: bytes,
    baseX: 8,
  },
  "concurrency": {
    title: "Handlers that wait 5 ms, a second",
    x: "concurrency of each worker",
    y: "jobs a second",
  },
  "blocks": {
    title: "Microseconds for an item, by how many items share a job",
    x: "items in a job",
    y: "µs an item",
  },
};

const { values: options } = parseArgs({
  options: {
    round: { type: "string" },
    memory: { type: "string" },
    only: { type: "string" },
    rounds: { type: "string", default: "7" },
    out: { type: "string", default: "docs" },
  },
});
if (options.memory !== undefined) await printMemory(options.memory);
else if (options.round !== undefined) {
  await round(Number(options.round) % 2 === 1, options.only);
} else {
  const figures = await measureAll(Number(options.rounds), options.only);
  for (const [name, picture] of Object.entries(PICTURES)) {
    const curves = curvesOf(figures, name);
    if (curves.length === 0) continue;
    const svg = draw({ ...picture, curves });
    await Deno.writeTextFile(`${options.out}/${name}.svg`, svg);
  }
  for (const [key, figure] of figures) {
    console.log(`${key.replaceAll("|", ", ")}: ${figure.toPrecision(3)}`);
  }
}
