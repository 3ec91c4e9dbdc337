// Jobs never share an object, neither in arguments nor in results.
import { assert, assertEquals } from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/shared_state.ts";
import { poolTest } from "./live_workers.ts";

function makePool(size: number): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/shared_state.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size });
}

for (const size of [1, 2]) {
  poolTest(
    `100 jobs submitted at once with one object do not see each other's changes (size ${size})`,
    async () => {
      await using pool = makePool(size);
      const value = { marks: 0 };
      const holder = { value, n: 1n } as never; // no plain data
      assertEquals(
        await Promise.all(
          Array.from({ length: 100 }, () => pool.execute("mark", [value])),
        ),
        new Array(100).fill(0),
      );
      assertEquals(
        await Promise.all(
          Array.from(
            { length: 100 },
            () =>
              pool.execute(
                (holder: { value: { marks: number } }) => holder.value.marks++,
                [holder],
              ),
          ),
        ),
        new Array(100).fill(0),
      );
      assertEquals(value, { marks: 0 });
    },
  );

  poolTest(
    `100 jobs submitted at once with one array do not see each other's changes (size ${size})`,
    async () => {
      await using pool = makePool(size);
      for (
        const list of [[], new Array(5).fill({}), new Array(3_000).fill(1)]
      ) {
        assertEquals(
          await Promise.all(
            Array.from({ length: 100 }, () => pool.execute("append", [list])),
          ),
          new Array(100).fill(list.length),
        );
      }
    },
  );

  poolTest(
    `100 jobs submitted at once with one Map do not see each other's changes (size ${size})`,
    async () => {
      await using pool = makePool(size);
      const map = new Map([["a", 1]]);
      assertEquals(
        await Promise.all(
          Array.from({ length: 100 }, () => pool.execute("put", [map])),
        ),
        new Array(100).fill(1),
      );
    },
  );

  poolTest(
    `100 jobs submitted at once with one Uint8Array do not see each other's changes (size ${size})`,
    async () => {
      await using pool = makePool(size);
      const bytes = new Uint8Array(4);
      assertEquals(
        await Promise.all(
          Array.from({ length: 100 }, () => pool.execute("increment", [bytes])),
        ),
        new Array(100).fill(0),
      );
      assertEquals(bytes[0], 0);
    },
  );

  poolTest(
    `100 jobs submitted at once with one list of arguments do not see each other's changes (size ${size})`,
    async () => {
      await using pool = new ThreadPool(size);
      const args: [number[], string] = [[1], "a"];
      const results = await Promise.all(
        Array.from({ length: 100 }, () =>
          pool.execute(
            (list: number[], text: string) => list.push(2) + text,
            args,
          )),
      );
      assertEquals(results, new Array(100).fill("2a"));
    },
  );
}

poolTest(
  "a handler that returns one object each time gives main distinct objects",
  async () => {
    await using pool = makePool(1);
    const objects = await Promise.all(
      Array.from({ length: 100 }, () => pool.execute("sameObject")),
    );
    const lists = await Promise.all(
      Array.from({ length: 100 }, () => pool.execute("samePlainObject")),
    );
    assertEquals(new Set(objects).size, 100);
    assertEquals(new Set(objects.map(({ map }) => map)).size, 100);
    assertEquals(new Set(lists).size, 100);
    objects[0].list.push(3);
    objects[0].map.clear();
    lists[0].push(3);
    assertEquals(await pool.execute("samePlainObject"), [1, 2]);
    assert(objects.slice(1).every(({ list }) => list.length === 2));
    assert(objects.slice(1).every(({ map }) => map.size === 1));
  },
);

poolTest(
  "an argument that a handler gives back is another object than the caller's",
  async () => {
    await using pool = new ThreadPool(1);
    const value = { list: [1] };
    const result = await pool.execute((value: { list: number[] }) => value, [
      value,
    ]);
    result.list.push(2);
    assertEquals(value, { list: [1] });
  },
);
