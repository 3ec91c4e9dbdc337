// The options of timeouts, of stopping, of recycling and of the sandbox, and what is refused.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import { poolTest } from "./live_workers.ts";
import { executeUntyped, poolUntyped } from "./untyped.ts";

/** The wrong types of each, and what the message is to say was expected. */
const WRONG_TYPES: Record<string, [what: string, ...values: unknown[]]> = {
  timeout: ["a number of ms", "100", null, true, {}, 4n],
  abortGrace: ["a number of ms", "100", null, true, [], 4n],
  maxJobsPerWorker: ["a number", "4", null, true, {}, 4n],
  maxHeapPerWorker: ["a number of MiB", "64", null, true, {}, 64n],
  hardKill: ["a boolean", 1, "true", null, {}],
  memoryLimit: ["a number of MiB", "64", null, true, {}, 64n],
  permissions: ["an object", 1, null, true, [], () => {}],
};

for (const [name, [what, ...values]] of Object.entries(WRONG_TYPES)) {
  poolTest(`option ${name}: a wrong type is a TypeError that names it`, () => {
    for (const value of values) {
      const error = assertThrows(
        () => poolUntyped({ [name]: value }),
        TypeError,
      );
      assertInstanceOf(error, TypeError);
      for (const text of [name, what]) {
        assertStringIncludes(error.message, text);
      }
      assert(!error.message.endsWith("."), error.message);
    }
  });
}

/** What of each is out of range, and what the message is to say was expected. */
const OUT_OF_RANGE: Record<string, [what: string, ...values: unknown[]]> = {
  timeout: ["above 0", 0, -1, NaN, -Infinity, 2 ** 31],
  abortGrace: ["at least 0", -1, NaN, -Infinity, 2 ** 31],
  maxJobsPerWorker: ["an integer of at least 1", 0, -1, 1.5, NaN, -Infinity],
  maxHeapPerWorker: ["at least 16", 0, 15.9, -1, NaN],
  memoryLimit: ["at least 16", 0, 15.9, -1, NaN, Infinity],
  permissions: ['"inherit", "none" or an object', "all", "", "None"],
};

for (const [name, [what, ...values]] of Object.entries(OUT_OF_RANGE)) {
  poolTest(
    `option ${name}: out of range is a RangeError that says what came`,
    () => {
      for (const value of values) {
        const error = assertThrows(
          () => poolUntyped({ [name]: value }),
          RangeError,
        );
        for (const text of [`\`${name}\``, what, String(value)]) {
          assertStringIncludes(error.message, text);
        }
      }
    },
  );
}

poolTest("each may be at the edge of its range, or undefined", () => {
  const EDGES = {
    timeout: [0.001, 2 ** 31 - 1, Infinity],
    abortGrace: [0, 2 ** 31 - 1, Infinity],
    maxJobsPerWorker: [1, Infinity],
    maxHeapPerWorker: [16],
    hardKill: [false],
    memoryLimit: [16],
    permissions: ["inherit"],
  };
  for (const [name, values] of Object.entries(EDGES)) {
    for (const value of [...values, undefined]) poolUntyped({ [name]: value });
  }
});

poolTest("permissions: an unknown kind is a TypeError that names it", () => {
  for (const kind of ["reads", "all", "hrtime"]) {
    const error = assertThrows(
      () => poolUntyped({ permissions: { [kind]: true } }),
      TypeError,
    );
    assertStringIncludes(error.message, kind);
  }
});

poolTest(
  "permissions: a wrong type of a kind is a TypeError that names it",
  () => {
    for (const value of [1, "none", null, {}, [1]]) {
      const error = assertThrows(
        () => poolUntyped({ permissions: { read: value } }),
        TypeError,
      );
      assertStringIncludes(error.message, "permissions.read");
    }
  },
);

poolTest(
  "timeout of execute(): a wrong type is a TypeError that names it",
  async () => {
    await using pool = new ThreadPool(1);
    for (const timeout of ["100", null, true, {}, 4n]) {
      const error = await assertRejects(
        () => executeUntyped(pool, () => 1, [], { timeout }),
        TypeError,
      );
      for (const text of ["timeout", "a number of ms"]) {
        assertStringIncludes(error.message, text);
      }
    }
    assertEquals(pool.stats().size, 0);
  },
);

poolTest(
  "timeout of execute(): out of range is a RangeError that says what came",
  async () => {
    await using pool = new ThreadPool(1);
    for (const timeout of [0, -1, NaN, 2 ** 31]) {
      const error = await assertRejects(
        () => pool.execute(() => 1, [], { timeout }),
        RangeError,
      );
      for (const text of ["`timeout`", "above 0", String(timeout)]) {
        assertStringIncludes(error.message, text);
      }
    }
    assertEquals(pool.stats().size, 0);
  },
);
