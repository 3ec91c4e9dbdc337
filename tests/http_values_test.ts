// Tests that requests and responses that have moved equal the originals.
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { JobCloneError } from "@spindle/thread-pool";
import * as jobs from "./fixtures/http.ts";
import { httpSuite, serve } from "./http.ts";
import { eventually } from "./live_workers.ts";
import { rows } from "./moving_pools.ts";
import { pattern, sameBytes, say } from "./sockets.ts";
import { Source } from "./streams.ts";

const URL_A = "http://a.test/b?c=1&d=%20#d";

type Message = Request | Response;

const bytes = (text = "text") => new Blob([text]).stream();
const request = (init?: RequestInit) => () => new Request(URL_A, init);
/** Returns a function that makes requests, each with its own body. */
const post = (make: () => BodyInit, method = "POST") => () =>
  new Request(URL_A, { method, body: make() });

const MESSAGES: Record<string, () => Message> = {
  "a request": request(),
  "a request that is aborted": request({
    signal: AbortSignal.abort(new RangeError("why")),
  }),
  "a request with all options": request({
    method: "patch",
    headers: [["X-A", "1"], ["x-a", "2"], ["Cookie", "a"], ["cookie", "b"]],
    cache: "no-store",
    credentials: "include",
    integrity: "sha256-abc",
    keepalive: true,
    mode: "same-origin",
    redirect: "manual",
    referrer: "http://b.test/",
    referrerPolicy: "origin",
    body: "text",
  }),
  "a request without a referrer": request({ referrer: "" }),
  "HEAD": request({ method: "HEAD" }),
  "DELETE without a body": request({ method: "DELETE" }),
  "PROPFIND not to be redirected": request({
    method: "PROPFIND",
    redirect: "error",
  }),
  "a request with a text": post(() => "grüße"),
  "a request with an empty body": post(() => ""),
  "a request with bytes": post(() => new Uint8Array(3), "DELETE"),
  "a request with a Blob": post(() =>
    new Blob(["blob"], { type: "image/png" })
  ),
  "a request with parameters": post(() => new URLSearchParams("a=1&b=2")),
  "a request with a stream of bytes": post(bytes),
  "a response": () => new Response("text"),
  "a response with a stream of bytes": () => new Response(bytes()),
  "a response of JSON": () => Response.json({ a: "ü" }, { status: 201 }),
  "a response with a status of its own": () =>
    new Response("short", { status: 418, statusText: "Teapot" }),
  "a response with cookies": () =>
    new Response("", { headers: [["Set-Cookie", "a"], ["set-cookie", "b"]] }),
  "a redirect": () => Response.redirect("http://b.test/", 308),
  "an error": () => Response.error(),
  ...Object.fromEntries([200, 204, 205, 304, 500].map((status) => [
    `a response without a body, ${status}`,
    () => new Response(null, { status }),
  ])),
};

/** Responses that only a server can send, by their paths. */
const FETCHED: Record<string, (conn: Deno.Conn) => Promise<void>> = {
  "/plain#a": (conn) => answer(conn, "200 OK", "x-a: 1"),
  "/none": (conn) => say(conn, "HTTP/1.1 204 No\r\nconnection: close\r\n\r\n"),
  "/999": (conn) => answer(conn, "999 No"),
  "/gzip": async (conn) => {
    const zip = bytes().pipeThrough(new CompressionStream("gzip"));
    const body = await new Response(zip).bytes();
    const lines = `content-encoding: gzip\r\ncontent-length: ${body.length}`;
    await say(conn, `HTTP/1.1 200 OK\r\nconnection: close\r\n${lines}\r\n\r\n`);
    await conn.write(body);
  },
};

async function answer(conn: Deno.Conn, status: string, line = "x-b: 2") {
  const head = `HTTP/1.1 ${status}\r\nconnection: close\r\n${line}\r\n`;
  await say(conn, `${head}content-length: 4\r\n\r\ntext`);
}

/** Returns what is fetched from a server with one response, without the server's port. */
async function see(
  path: string,
  look: (response: Response) => Promise<unknown>,
): Promise<string> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const response = fetch(`http://127.0.0.1:${listener.addr.port}${path}`);
  using conn = await listener.accept();
  await conn.read(new Uint8Array(4096));
  await FETCHED[path](conn);
  const seen = JSON.stringify(await look(await response));
  return seen.replaceAll(/127.0.0.1:\d+/g, "");
}

httpSuite("Requests and responses behave as natively", {
  ...rows(
    MESSAGES,
    (name) => `execute() moves ${name} in and out of a job`,
    async ({ pool }, make) => {
      const expected = await jobs.seeAll(make());
      assertEquals(await pool.execute("seeAll", [make()]), expected);
      const back = await pool.execute("pass", [make()]) as Message;
      assertEquals(await jobs.seeAll(back), expected);
    },
  ),

  ...rows(
    FETCHED,
    (path) => `execute() moves the fetch() response of ${path} in and out`,
    async ({ pool }, _, path) => {
      const expected = await see(path, jobs.seeAll);
      const moved = see(path, (given) => pool.execute("seeAll", [given]));
      assertEquals(await moved, expected);
      const back = see(path, async (given) => {
        return jobs.seeAll(await pool.execute("pass", [given]) as Message);
      });
      assertEquals(await back, expected);
    },
  ),

  ...rows(
    { "that has arrived": false, "that arrives later": true },
    (when) => `Request.body serves a BYOB reader with a body ${when}`,
    async ({ pool, gate }, isLate) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const body = new ReadableStream({
        type: "bytes",
        async start(controller) {
          if (isLate) await promise;
          controller.enqueue(new Uint8Array(5));
          controller.close();
        },
      });
      const request = post(() => body)();
      const seen = pool.execute("seeByob", [request, gate.key]);
      await gate.arrived();
      gate.open();
      resolve();
      assertEquals(await seen, [2, 2, 1]);
    },
  ),

  "Request.signal and its copies follow the caller's signal": async (
    t,
  ) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const controller = new AbortController();
    const url = `http://127.0.0.1:${listener.addr.port}/`;
    const request = new Request(url, controller);
    const fired = t.pool.execute("seeSignals", [request, t.gate.key]);
    await t.gate.arrived();
    using _ = await listener.accept();
    controller.abort(new RangeError("why"));
    assertEquals(await fired, Array(4).fill("RangeError RangeError: why"));
  },

  "Request.signal is aborted if it was while the job waited": async (t) => {
    const waits = t.pool.execute("seeByob", [post(bytes)(), t.gate.key]);
    await t.gate.arrived();
    const controller = new AbortController();
    const isAborted = t.pool.execute(
      ({ signal }: Request) => [signal.aborted, signal.reason],
      [new Request(URL_A, controller)],
    );
    controller.abort("why");
    t.gate.open();
    assertEquals(await isAborted, [true, "why"]);
    await waits;
  },

  "Request.signal of a result is aborted as in the job": async (t) => {
    const { signal } = await t.pool.execute(() =>
      new Request("http://a.test/", { signal: AbortSignal.abort("gone") })
    );
    assertEquals([signal.aborted, signal.reason], [true, "gone"]);
  },

  "Request.signal is read only when a job reads it": async ({ pool }) => {
    const { prototype } = Request;
    const signal = Object.getOwnPropertyDescriptor(prototype, "signal")!;
    const served = new Set<unknown>();
    let asked = 0;
    Object.defineProperty(prototype, "signal", {
      ...signal,
      get() {
        if (served.has(this)) asked++;
        return signal.get!.call(this);
      },
    });
    try {
      let job: "method" | "passMethod" | "clone" = "method";
      await using server = serve((request) => {
        served.add(request);
        return pool.execute(job, [request]);
      });
      for (job of ["method", "passMethod", "clone"] as const) {
        assertEquals(asked, 0);
        assertEquals(await (await fetch(server.url)).text(), "GET");
      }
      await eventually(() => asked === 1, () => `It was asked ${asked} times`);
    } finally {
      Object.defineProperty(prototype, "signal", signal);
    }
  },
}, true);

/** Uses of a body after which it can no longer move. */
const USED: Record<string, (body: Message) => unknown> = {
  "is used": (body) => body.text(),
  "is canceled": (body) => body.body!.cancel(),
  "is locked by a reader": (body) => body.body!.getReader(),
  "is being read": (body) => void body.body!.getReader().read(),
};

httpSuite("Requests and responses", {
  "execute() uses up a request that moves, but not its clone": async (t) => {
    for (const make of [() => "text", bytes]) {
      const request = post(make)();
      const copy = request.clone();
      const result = t.pool.execute((r: Request) => r.text(), [request]);
      assert(request.bodyUsed || request.body!.locked);
      await assertRejects(() => request.text(), TypeError);
      assertEquals(await result, "text");
      assertEquals(await copy.text(), "text");
    }
  },

  ...rows(
    USED,
    (name) =>
      `execute() rejects a message whose body ${name}, and leaves other bodies alone`,
    async ({ pool }, use) => {
      for (const message of [post(() => "a")(), new Response("a")]) {
        await use(message);
        const source = new Source((i) => i < 1 ? new Uint8Array(1) : undefined);
        const other = new Response(source.stream as BodyInit);
        const { message: said } = await assertRejects(
          () => pool.execute("pass", [{ other, message }]),
          JobCloneError,
          "locked or already used",
        );
        assertStringIncludes(said, "args[0].message");
        assertFalse(other.bodyUsed);
        assertEquals(source.pulled, 0);
        assertEquals((await other.bytes()).length, 1);
      }
    },
  ),

  "execute() rejects a result whose body the job used": async ({ pool }) => {
    const use = async () => {
      const response = new Response("body");
      await response.text();
      return response;
    };
    await assertRejects(
      () => pool.execute(use),
      JobCloneError,
      "locked or already used",
    );
  },

  "execute() rejects a response with status 101, in and out": async (t) => {
    const upgrade = () => new Response(null, { status: 101 });
    const calls = [
      () => t.pool.execute("pass", [upgrade()]),
      () => t.pool.execute(upgrade),
    ];
    for (const call of calls) {
      await assertRejects(call, JobCloneError, "an upgrade cannot move");
    }
  },

  "execute() cancels a body that its job does not read": async ({ pool }) => {
    const source = new Source(() => new Uint8Array(1_000));
    const request = post(() => source.stream as BodyInit)();
    assertEquals(
      await pool.execute((r: Request) => r.method, [request]),
      "POST",
    );
    assertInstanceOf(await source.cancelled, Error);
  },

  "Request.text() rejects with the error of its body": async ({ pool }) => {
    const body = new ReadableStream({
      pull: (controller) => controller.error(new RangeError("broken")),
    });
    const result = pool.execute((r: Request) => r.text(), [post(() => body)()]);
    await assertRejects(() => result, RangeError, "broken");
  },

  "Request.signal is one object, and no other job's": async ({ pool }) => {
    const isQuiet = (request: Request) =>
      request.signal === request.signal &&
      request.signal instanceof AbortSignal && !request.signal.aborted;
    const controller = new AbortController();
    assert(await pool.execute(isQuiet, [new Request(URL_A, controller)]));
    controller.abort();
    assert(await pool.execute(isQuiet, [new Request(URL_A)]));
  },

  "Response.bytes() returns a large body from a job": async ({ pool }) => {
    const body = new Blob([pattern(2_000_000)]);
    const passed = await pool.execute("pass", [new Response(body)]) as Response;
    assert(sameBytes(await passed.bytes(), pattern(2_000_000)));
  },

  "Response.formData() returns a form, in and out": async ({ pool }) => {
    const form = new FormData();
    form.append("a", "1");
    form.append("a", "grüße");
    form.append("file", new File(["text"], "ü.txt", { type: "text/plain" }));
    const fields = ["a=1", "a=grüße", "file: ü.txt text/plain text"];
    for (const make of [post(() => form), () => new Response(form)]) {
      assertEquals(await pool.execute("seeForm", [make()]), fields);
      const back = await pool.execute("pass", [make()]) as Message;
      assertEquals(await jobs.seeForm(back), fields);
    }
  },
});
