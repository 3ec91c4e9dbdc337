// Requests and responses that have moved are as native ones that have not.
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { JobCloneError, ThreadPool } from "@spindle/thread-pool";
import * as jobs from "./fixtures/http_native.ts";
import { Gate } from "./gate.ts";
import { eventually, poolTest } from "./live_workers.ts";
import { readText, writeAll } from "./sockets.ts";

function makePool(): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/http_native.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size: 1 });
}

const URL_A = "http://a.test/b?c=1#d";

function stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new Blob(["text"]).stream();
}

const MESSAGES: Record<string, () => Request | Response> = {
  "a request": () => new Request(URL_A),
  "a request that is aborted": () =>
    new Request(URL_A, { signal: AbortSignal.abort(new RangeError("why")) }),
  "a request with all options": () =>
    new Request(URL_A, {
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
  "a request without a referrer": () => new Request(URL_A, { referrer: "" }),
  "a request with a Blob": () =>
    new Request(URL_A, { method: "POST", body: new Blob(["text"]) }),
  "a request with a stream of bytes": () =>
    new Request(URL_A, { method: "POST", body: stream() }),
  "a request with bytes": () =>
    new Request(URL_A, { method: "DELETE", body: new Uint8Array(3) }),
  "a response": () => new Response("text"),
  "a response with a stream of bytes": () => new Response(stream()),
  "a response of JSON": () => Response.json({ a: 1 }, { status: 201 }),
  "a response without a body": () => new Response(null, { status: 204 }),
  "a response with cookies": () =>
    new Response("", { headers: [["Set-Cookie", "a"], ["set-cookie", "b"]] }),
  "a redirect": () => Response.redirect("http://b.test/", 301),
  "an error": () => Response.error(),
};

for (const [name, make] of Object.entries(MESSAGES)) {
  poolTest(`ThreadPool.execute() moves ${name} as what it is`, async () => {
    await using pool = makePool();
    const expected = await jobs.seeAll(make());
    assertEquals(await pool.execute("seeAll", [make()]), expected);
    const back = await pool.execute("passOn", [make()]);
    assertEquals(await jobs.seeAll(back), expected);
  });
}

/** A server with an answer of each kind. */
function serveAnswers(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => {
      switch (new URL(request.url).pathname) {
        case "/redirect":
          return Response.redirect(new URL("/plain", request.url));
        case "/none":
          return new Response(null, { status: 204 });
        case "/gzip":
          return new Response(
            new Blob(["text"]).stream()
              .pipeThrough(new CompressionStream("gzip")),
            { headers: { "content-encoding": "gzip" } },
          );
        default:
          return new Response("text", { headers: { "x-a": "1" } });
      }
    },
  );
}

for (const path of ["/plain#a", "/redirect", "/none", "/gzip"]) {
  poolTest(
    `ThreadPool.execute() moves the response of a fetch() of ${path} as what it is`,
    async () => {
      await using server = serveAnswers();
      await using pool = makePool();
      const url = `http://127.0.0.1:${server.addr.port}${path}`;
      const withoutDate = async (seen: Promise<unknown>) =>
        JSON.stringify(await seen).replaceAll(/\["date",".*?"\]/g, "");
      const expected = await withoutDate(jobs.seeAll(await fetch(url)));
      const moved = pool.execute("seeAll", [await fetch(url)]);
      assertEquals(await withoutDate(moved), expected);
      const back = await pool.execute("passOn", [await fetch(url)]);
      assertEquals(await withoutDate(jobs.seeAll(back)), expected);
    },
  );
}

async function withoutPort(seen: Promise<unknown>): Promise<string> {
  return JSON.stringify(await seen).replaceAll(/127.0.0.1:\d+/g, "");
}

/** An answer whose status no constructor takes. */
async function answer999(): Promise<Response> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const response = fetch(`http://127.0.0.1:${listener.addr.port}/`);
  using conn = await listener.accept();
  await conn.read(new Uint8Array(4096));
  const text = "HTTP/1.1 999 No\r\ncontent-length: 4\r\n\r\ntext";
  await writeAll(conn, new TextEncoder().encode(text));
  return await response;
}

poolTest(
  "ThreadPool.execute() moves a response whose status only a server gives",
  async () => {
    await using pool = makePool();
    const expected = await withoutPort(jobs.seeAll(await answer999()));
    assertStringIncludes(expected, '"status":999');
    const moved = pool.execute("seeAll", [await answer999()]);
    assertEquals(await withoutPort(moved), expected);
    const back = await pool.execute("passOn", [await answer999()]);
    assertEquals(await withoutPort(jobs.seeAll(back)), expected);
  },
);

poolTest(
  "ThreadPool.execute() gives Deno.serve the response of a worker's fetch()",
  async () => {
    await using origin = serveAnswers();
    await using pool = makePool();
    const url = `http://127.0.0.1:${origin.addr.port}`;
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => pool.execute("proxy", [request, url]),
    );
    for (const path of ["/gzip", "/redirect", "/plain"]) {
      const response = await fetch(
        `http://127.0.0.1:${server.addr.port}${path}`,
      );
      assertEquals([response.status, await response.text()], [200, "text"]);
    }
  },
);

const HEADS = [
  "GET / HTTP/1.1\r\nhost: a b",
  "GET / HTTP/1.1\r\nhost: h:99999",
  "GET / HTTP/1.1\r\nhost: [::",
  "GET / HTTP/1.1\r\nhost:",
  "GET / HTTP/1.0",
  "GET /a/../b/%2e%2E/c?d=../e HTTP/1.1\r\nhost: H.test",
  "GET //a\\b HTTP/1.1\r\nhost: h",
  "GET /%zz?'\"<>| HTTP/1.1\r\nhost: h",
  "GET http://b.test/../c HTTP/1.1\r\nhost: h",
  "OPTIONS * HTTP/1.1\r\nhost: h",
  "CONNECT h:1 HTTP/1.1\r\nhost: h:1",
  "TRACE / HTTP/1.1\r\nhost: h",
  "TRACK / HTTP/1.1\r\nhost: h",
  "get / HTTP/1.1\r\nhost: h",
  "post / HTTP/1.1\r\nhost: h\r\ncontent-length: 4",
  "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 4",
  "M-SEARCH / HTTP/1.1\r\nhost: h",
  "GET / HTTP/1.1\r\nhost: h\r\nX-A: 1\r\nx-a:\t \xe9\xff \r\nx-b:\r\ncookie: a\r\ncookie: b",
];

for (const head of HEADS) {
  poolTest(
    `ThreadPool.execute() moves what a client sends: ${JSON.stringify(head)}`,
    async () => {
      await using pool = makePool();
      const ask = async (handler: (request: Request) => unknown) => {
        await using server = Deno.serve(
          {
            hostname: "127.0.0.1",
            port: 0,
            onListen() {},
            onError: (error) => new Response(String(error), { status: 500 }),
          },
          handler as Deno.ServeHandler,
        );
        using conn = await Deno.connect({ port: server.addr.port });
        const text = `${head}\r\nconnection: close\r\n\r\ntext`;
        const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
        await writeAll(conn, bytes);
        const answer = await readText(conn);
        // Its own port stands for a host that is not named.
        return answer.replace(/date: .*\r\n/, "")
          .replaceAll(`localhost:${server.addr.port}`, "localhost");
      };
      const expected = await ask(jobs.see);
      const moved = await ask((request) => pool.execute("see", [request]));
      assertEquals(moved, expected);
    },
  );
}

poolTest(
  "ThreadPool.execute() lets a BYOB reader read a body that has come, or is to come",
  async () => {
    await using pool = makePool();
    for (const isLate of [false, true]) {
      using gate = new Gate();
      const { promise, resolve } = Promise.withResolvers<void>();
      const body = new ReadableStream({
        type: "bytes",
        async start(controller) {
          if (isLate) await promise;
          controller.enqueue(new Uint8Array(5));
          controller.close();
        },
      });
      const request = new Request(URL_A, { method: "POST", body });
      const seen = pool.execute("seeByob", [request, gate.key]);
      await gate.arrived();
      gate.open();
      resolve();
      assertEquals(await seen, [2, 2, 1]);
    }
  },
);

poolTest(
  "ThreadPool.execute() lets every signal made of a request follow the caller's",
  async () => {
    await using pool = makePool();
    using gate = new Gate();
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const controller = new AbortController();
    const url = `http://127.0.0.1:${listener.addr.port}/`;
    const request = new Request(url, controller);
    const fired = pool.execute("seeSignals", [request, gate.key]);
    await gate.arrived();
    using _ = await listener.accept();
    controller.abort(new RangeError("why"));
    assertEquals(await fired, Array(4).fill("RangeError RangeError: why"));
  },
);

poolTest(
  "ThreadPool.execute() moves a request that is aborted while it waits",
  async () => {
    await using pool = makePool();
    using gate = new Gate();
    const body = new Blob(["text"]).stream();
    const first = new Request(URL_A, { method: "POST", body });
    const waits = pool.execute("seeByob", [first, gate.key]);
    await gate.arrived();
    const controller = new AbortController();
    const isAborted = pool.execute(
      (request: Request) => [request.signal.aborted, request.signal.reason],
      [new Request(URL_A, controller)],
    );
    controller.abort("why");
    gate.open();
    assertEquals(await isAborted, [true, "why"]);
    await waits;
  },
);

poolTest(
  "ThreadPool.execute() gives a request that a job had aborted as aborted",
  async () => {
    await using pool = makePool();
    const { signal } = await pool.execute("giveAborted");
    assertEquals([signal.aborted, signal.reason], [true, "gone"]);
  },
);

poolTest(
  "ThreadPool.execute() refuses a response with status 101, in and out",
  async () => {
    await using pool = makePool();
    const response = new Response(null, { status: 101 });
    for (
      const refused of [
        pool.execute("passOn", [response]),
        pool.execute("give101"),
      ]
    ) {
      const error = await assertRejects(() => refused, JobCloneError);
      assertStringIncludes(error.message, "an upgrade cannot move");
    }
  },
);

poolTest(
  "ThreadPool.execute() refuses the response of Deno.upgradeWebSocket()",
  async () => {
    await using pool = makePool();
    const { promise, resolve } = Promise.withResolvers<unknown>();
    await using server = Deno.serve(
      {
        hostname: "127.0.0.1",
        port: 0,
        onListen() {},
        onError(error) {
          resolve(error);
          return new Response(null, { status: 500 });
        },
      },
      (request) => pool.execute("upgrade", [request]),
    );
    const socket = new WebSocket(`ws://127.0.0.1:${server.addr.port}/`);
    const closed = new Promise((resolve) => socket.onclose = resolve);
    socket.onerror = (event) => event.preventDefault();
    const error = await promise;
    assert(error instanceof JobCloneError);
    assertMatch(error.message, /status 101: an upgrade cannot move/);
    await closed;
  },
);

poolTest(
  "ThreadPool.execute() asks a request for its signal only when its job does",
  async () => {
    const { get } = Object.getOwnPropertyDescriptor(
      Request.prototype,
      "signal",
    )!;
    const served = new Set<unknown>();
    let asked = 0;
    Object.defineProperty(Request.prototype, "signal", {
      get() {
        if (served.has(this)) asked++;
        return get!.call(this);
      },
      configurable: true,
    });
    try {
      await using pool = makePool();
      let job: "method" | "passMethod" | "clone" = "method";
      await using server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen() {} },
        (request) => {
          served.add(request);
          return pool.execute(job, [request]);
        },
      );
      const url = `http://127.0.0.1:${server.addr.port}/`;
      for (job of ["method", "passMethod", "clone"] as const) {
        assertEquals(asked, 0);
        assertEquals(await (await fetch(url)).text(), "GET");
      }
      await eventually(() => asked === 1, () => `It was asked ${asked} times`);
    } finally {
      Object.defineProperty(Request.prototype, "signal", {
        get,
        enumerable: true,
        configurable: true,
      });
    }
  },
);
