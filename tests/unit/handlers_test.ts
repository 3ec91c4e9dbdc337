// Tests Handlers: the functions that jobs run.
import { assertEquals, assertThrows } from "@std/assert";
import { HandlerNotFound, Handlers } from "../../src/worker/handlers.ts";

const MODULE = {
  add: (a: number, b: number) => a + b,
  *generate() {},
  async *generateLater() {},
  Class: class {},
  text: "text",
  later: async () => {},
};

/** Defines the handlers of the module with these names. */
function define(...names: string[]): Handlers {
  const handlers = new Handlers(MODULE);
  const definitions = names.map((name, id) => ({ id, name }));
  handlers.define({ forgotten: [], definitions });
  return handlers;
}

Deno.test("Handlers.get() returns a function of the module", () => {
  assertEquals(define("add").get(0).call(1, 2), 3);
});

Deno.test("the error for a missing job lists the functions of the module", () => {
  for (const name of ["none", "text", "toString", "constructor"]) {
    assertThrows(
      () => define(name).get(0).call(),
      HandlerNotFound,
      `Job "${name}" not found: the module exports the functions add, later`,
    );
  }
  const empty = new Handlers({});
  empty.define({ forgotten: [], definitions: [{ id: 0, name: "x" }] });
  assertThrows(() => empty.get(0).call(), HandlerNotFound, "(none)");
});

Deno.test("a generator or a class is refused as a job", () => {
  const got = {
    generate: "a generator: call it with stream()",
    generateLater: "a generator: call it with stream()",
    Class: "a class",
  };
  for (const [name, what] of Object.entries(got)) {
    assertThrows(
      () => define(name).get(0).call(),
      HandlerNotFound,
      `Job "${name}" not found: expected a function, got ${what}`,
    );
  }
});

Deno.test("an inline function runs in strict mode, with transfer and currentJob in scope", () => {
  const handlers = new Handlers({});
  const sources = [
    "function () { return this; }",
    "() => [typeof transfer, typeof currentJob, typeof handlers]",
    "() => { throw new Error('where'); }",
  ];
  const place = "file:///caller.ts:1:1";
  handlers.define({
    forgotten: [],
    definitions: sources.map((source, id) => ({
      id,
      name: "f",
      source,
      place,
    })),
  });
  const { call } = handlers.get(0);
  assertEquals(call(), undefined);
  assertEquals(handlers.get(1).call(), ["function", "function", "undefined"]);
  const error = assertThrows(() => handlers.get(2).call(), Error, "where");
  assertEquals(error.stack?.includes(place), true);
});

Deno.test("Handlers.define() forgets functions, and accepts ids in any order", () => {
  const handlers = define("add");
  handlers.define({ forgotten: [0], definitions: [{ id: 5, name: "later" }] });
  assertEquals(handlers.get(0), undefined);
  assertEquals(handlers.get(5).name, "later");
});
