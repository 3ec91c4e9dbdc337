// Tests that requests and responses that are sent as text equal those that move.
import { assert, assertEquals, assertFalse } from "@std/assert";
import { httpSuite, serve } from "./http.ts";
import { KINDS } from "./kinds.ts";
import { rows } from "./moving_pools.ts";
import { sameBytes } from "./sockets.ts";

const URL_A = "http://a.test/";
/** More than a text message holds, less than the memory for results. */
const LONG = 15_000;

httpSuite("Requests and responses as text", {
  ...rows(
    { ...KINDS, "caller": { queue: { capacity: 0, whenFull: "caller-runs" } } },
    (kind) => `A request reaches a worker and its response returns: ${kind}`,
    async (t, options) => {
      const pool = t.make(options);
      const echo = (request: Request, { status }: { status: number }) => {
        const { method, url, headers } = request;
        return Response.json([method, url, [...headers]], { status });
      };
      await using server = serve((request) => {
        return pool.execute(echo, [request, { status: 418 }]);
      });
      const headers = { "x-a": "ü" };
      const response = await fetch(`${server.url}/path?a=b`, { headers });
      assertEquals(response.status, 418);
      const [method, url, list] = await response.json();
      assertEquals([method, url], ["GET", `${server.url}/path?a=b`]);
      assertEquals(new Headers(list).get("x-a"), "ü");
    },
  ),

  "Request.signal follows the client as natively, and so does everything derived from it":
    async ({ pool, gate }) => {
      await pool.execute("keep", [gate.key]);
      const { promise, resolve } = Promise.withResolvers<string[]>();
      await using server = serve(async (request) => {
        resolve(await pool.execute("waitForClient", [request]));
        return new Response();
      });
      const stop = new AbortController();
      const response = fetch(server.url, stop).catch(() => "gone");
      await gate.arrived();
      stop.abort();
      assertEquals(await response, "gone");
      assertEquals(await promise, Array(3).fill("AbortError"));
    },

  "Request.signal is aborted as natively if the client disconnected while the job waited":
    async (
      { make, gate },
    ) => {
      const pool = make();
      // After these jobs, the pool sends no job ahead.
      const spin = () => {
        const end = performance.now() + 5;
        while (performance.now() < end);
      };
      for (let i = 0; i < 40; i++) await pool.execute(spin);
      const holds = pool.execute("blockAtGate", [gate.key]);
      await gate.arrived();
      const came = Promise.withResolvers<void>();
      const left = Promise.withResolvers<void>();
      const seen = Promise.withResolvers<unknown>();
      await using server = serve(async (request) => {
        request.signal.addEventListener("abort", () => left.resolve());
        const result = pool.execute(
          ({ signal }: Request) => [signal.aborted, signal.reason.name],
          [request],
        );
        came.resolve();
        seen.resolve(await result);
        return new Response();
      });
      const stop = new AbortController();
      const response = fetch(server.url, stop).catch(() => "gone");
      await came.promise;
      stop.abort();
      await response;
      await left.promise;
      gate.open();
      assertEquals(await seen.promise, [true, "AbortError"]);
      await holds;
    },

  "Request.signal of an ended job does not fire": async ({ pool, gate }) => {
    await pool.execute("keep", [gate.key]);
    await using server = serve((request) => {
      return pool.execute("keepRequest", [request]);
    });
    await (await fetch(server.url)).text();
    assertFalse(await pool.execute("isKeptAborted"));
  },

  "fetch() accepts a request that arrived as text": async ({ pool }) => {
    await using origin = serve(({ headers }) => {
      return new Response(headers.get("x-a"));
    });
    const fetchText = async (request: Request) =>
      await (await fetch(request)).text();
    const headers = { "x-a": "1" };
    const made = new Request(origin.url, { headers });
    assertEquals(await pool.execute(fetchText, [made]), "1");
    await using server = serve(async (request) => {
      const { headers } = request;
      if (headers.has("x-b")) return new Response(headers.get("x-b"));
      return new Response(
        await pool.execute(async (request: Request) => {
          const other = new Request(request, { headers: { "x-b": "2" } });
          return await (await fetch(other)).text();
        }, [request]),
      );
    });
    assertEquals(await (await fetch(server.url)).text(), "2");
  },

  "fetch() accepts a request for a blob URL": async ({ pool }) => {
    const url = URL.createObjectURL(new Blob(["text"]));
    const fetchText = async (request: Request) =>
      await (await fetch(request)).text();
    assertEquals(await pool.execute(fetchText, [new Request(url)]), "text");
    URL.revokeObjectURL(url);
  },

  ...rows(
    { "plain data": 1, "a Map": new Map([[1, 2]]), "another": request() },
    (what) => `A getter passed with a request and ${what} is read once`,
    async ({ pool }, other) => {
      let reads = 0;
      const data = {
        get value() {
          return ++reads;
        },
      };
      const seen = await pool.execute(
        (before: { value: number }, { url }: Request, _: unknown) => [
          before.value,
          url,
        ],
        [data, request(), other],
      );
      assertEquals([reads, ...seen], [1, 1, URL_A]);
    },
  ),

  "Arguments passed with a request keep their order": async ({ pool }) => {
    const kinds = (...args: unknown[]) =>
      args.map((arg) => arg instanceof Request ? "request" : arg);
    for (const args of [[], [1], [1, "a"]]) {
      for (let i = 0; i <= args.length; i++) {
        const given = args.toSpliced(i, 0, request() as never);
        const expected = args.toSpliced(i, 0, "request");
        assertEquals(await pool.execute(kinds, given), expected);
      }
    }
  },

  ...rows(
    {
      "an empty text": "",
      "a text with half a letter": "a\ud800",
      "a long text": "ü".repeat(LONG),
      "a longer text": "x".repeat(10 * LONG),
    },
    (what) => `A response with a text does not change: ${what}`,
    async ({ pool }, text) => {
      const make = (text: string) => new Response(text);
      const response = await pool.execute(make, [text]);
      const expected = make(text);
      assertEquals([...response.headers], [...expected.headers]);
      assert(sameBytes(await response.bytes(), await expected.bytes()));
    },
  ),

  "A text response without a content type gets none": async ({ pool }) => {
    const response = await pool.execute(() => {
      const response = new Response("text");
      response.headers.delete("content-type");
      return response;
    });
    assertEquals([...response.headers], []);
    assertEquals(await response.text(), "text");
  },

  "Responses that find no room in shared memory do not change": async (
    { pool },
  ) => {
    const make = (i: number, length: number) =>
      new Response(`${i}`.repeat(length));
    const made = Array.from({ length: 100 }, (_, i) => {
      return pool.execute(make, [i % 10, LONG]);
    });
    // Nothing is read meanwhile.
    const end = performance.now() + 200;
    while (performance.now() < end);
    for (const [i, response] of (await Promise.all(made)).entries()) {
      assertEquals(await response.text(), `${i % 10}`.repeat(LONG));
    }
  },

  "A job that sets Array.prototype.toJSON breaks no response": async (t) => {
    const response = await t.make().execute(() => {
      Object.assign(Array.prototype, { toJSON: () => "broken" });
      return new Response("text", { status: 201, headers: { "x-a": "1" } });
    });
    const { status, headers } = response;
    assertEquals([status, headers.get("x-a")], [201, "1"]);
    assertEquals(await response.text(), "text");
  },
});

function request(): Request {
  return new Request(URL_A);
}
