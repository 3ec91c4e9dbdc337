// Tests that a server whose requests are jobs answers like any other server.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
} from "@std/assert";
import { JobCloneError } from "@spindle/thread-pool";
import * as jobs from "./fixtures/http.ts";
import { Gate } from "./gate.ts";
import { httpSuite, raw, serve } from "./http.ts";
import { eventually } from "./live_workers.ts";
import { isOldDeno, type Setting } from "./moving_pools.ts";
import { pattern, sameBytes, say } from "./sockets.ts";
import { Source } from "./streams.ts";

/** Requests as clients send them, without the end of their heads. */
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
  "HEAD / HTTP/1.1\r\nhost: h",
  "OPTIONS * HTTP/1.1\r\nhost: h",
  "CONNECT h:1 HTTP/1.1\r\nhost: h:1",
  "TRACE / HTTP/1.1\r\nhost: h",
  "TRACK / HTTP/1.1\r\nhost: h",
  "get / HTTP/1.1\r\nhost: h",
  "post / HTTP/1.1\r\nhost: h\r\ncontent-length: 4",
  "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 4",
  "PATCH /?a=%20b HTTP/1.1\r\nhost: h\r\ncontent-length: 4",
  "M-SEARCH / HTTP/1.1\r\nhost: h",
  "GET / HTTP/1.1\r\nhost: h\r\nX-A: 1\r\nx-a:\t \xe9\xff \r\nx-b:\r\ncookie: a\r\ncookie: b",
  "GET /cookies HTTP/1.1\r\nhost: h",
  "GET /redirect HTTP/1.1\r\nhost: h",
  "GET /status?code=204 HTTP/1.1\r\nhost: h",
  "GET /status?code=205 HTTP/1.1\r\nhost: h",
  "GET /status?code=304 HTTP/1.1\r\nhost: h",
  "GET /nowhere HTTP/1.1\r\nhost: h",
];

httpSuite("A server whose requests are jobs answers as natively", {
  ...Object.fromEntries(HEADS.map((head) => [
    `Deno.serve() answers as natively: ${JSON.stringify(head)}`,
    async ({ pool, gate }: Setting<typeof jobs>) => {
      const ask = async (handler: (request: Request) => unknown) => {
        await using server = serve(handler);
        const { port } = server;
        const text = `${head}\r\nconnection: close\r\n\r\ntext`;
        // Without a host header, the URL has the server's own port.
        return (await raw(port, text)).replace(/date: .*\r\n/, "")
          .replaceAll(`localhost:${port}`, "localhost");
      };
      const { key } = gate;
      const expected = await ask((request) => jobs.handle(request, key));
      const moved = await ask((request) => {
        return pool.execute("handle", [request, key]);
      });
      assertEquals(moved, expected);
      await pool.execute("keep", [key]);
      const alone = await ask((request) => {
        return pool.execute("handleAlone", [request]);
      });
      assertEquals(alone, expected);
      assertMatch(moved, /^HTTP\/1.[01] \d+ /);
    },
  ])),
}, true);

type ServerCase = (
  t: Setting<typeof jobs> & { port: number; url: string },
) => Promise<void>;

/** Returns a case that runs with two servers: their jobs get a key, or only a request. */
function served(run: ServerCase) {
  return async (t: Setting<typeof jobs>) => {
    const { pool, gate } = t;
    await using server = serve((request) => {
      return pool.execute("handle", [request, gate.key]);
    });
    await run({ ...t, ...server });

    // Older versions of Deno never send requests as text.
    if (isOldDeno) return;
    using other = new Gate();
    await pool.execute("keep", [other.key]);
    await using alone = serve((request) => {
      return pool.execute("handleAlone", [request]);
    });
    await run({ ...t, ...alone, gate: other });
  };
}

httpSuite("A server whose requests are jobs", {
  "A body goes through a job and comes back": served(async ({ url }) => {
    for (const body of ["", "grüße", pattern(50_000), pattern(3_000_000)]) {
      const headers = { "content-type": "x/y" };
      const init = { method: "POST", headers, body };
      const response = await fetch(`${url}/echo`, init);
      assertEquals(response.headers.get("content-type"), "x/y");
      const expected = await new Blob([body]).bytes();
      assert(sameBytes(await response.bytes(), expected));
    }
  }),

  "Large bodies stream in both directions": served(async ({ url }) => {
    const length = 10_000_000;
    const body = new Blob([pattern(length)]).stream();
    const init = { method: "POST", body };
    const uploaded = await fetch(`${url}/check?length=${length}`, init);
    assertEquals(await uploaded.json(), true);
    const downloaded = await fetch(`${url}/large?length=${length}`);
    assert(sameBytes(await downloaded.bytes(), pattern(length)));
  }),

  "A response begins while its request's body is sent": served(async (t) => {
    const { readable, writable } = new TransformStream<Uint8Array>();
    const writer = writable.getWriter();
    // Without some of it, the client does not send the head.
    writer.write(new TextEncoder().encode("first"));
    const init = { method: "POST", body: readable };
    const response = await fetch(`${t.url}/echo`, init);
    const reader = response.body!.pipeThrough(new TextDecoderStream())
      .getReader();
    assertEquals((await reader.read()).value, "first");
    writer.write(new TextEncoder().encode("second"));
    assertEquals((await reader.read()).value, "second");
    await writer.close();
    assertEquals((await reader.read()).done, true);
  }),

  "Many requests at once each get their own response": served(
    async ({ url }) => {
      await Promise.all(Array.from({ length: 60 }, async (_, i) => {
        const body = pattern(1 + (i % 10) * 9_000).map((byte) => byte ^ i);
        const response = await fetch(`${url}/echo`, { method: "POST", body });
        assert(sameBytes(await response.bytes(), body), `request ${i}`);
      }));
    },
  ),

  "A slow response delays no other responses": served(async (t) => {
    const slow = await fetch(`${t.url}/endless`);
    const reader = slow.body!.getReader();
    await reader.read();
    for (let i = 0; i < 5; i++) {
      await (await fetch(`${t.url}/ignore`)).text();
      await reader.read();
    }
    assertEquals(t.pool.stats().size, 1);
    await reader.cancel();
    await t.gate.arrived();
  }),

  "A client that leaves a response cancels its source": served(async (t) => {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: t.port });
    await say(conn, "GET /endless HTTP/1.1\r\nhost: a\r\n\r\n");
    const buffer = new Uint8Array(100_000);
    for (let i = 0; i < 10; i++) await conn.read(buffer);
    assertEquals(t.gate.count, 0);
    conn.close();
    await t.gate.arrived();
  }),

  "A client that leaves its request errors the body": served(async (t) => {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: t.port });
    const head = "POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 9";
    await say(conn, `${head}\r\n\r\npart`);
    await t.gate.arrived();
    conn.close();
    await t.gate.arrived(2);
    const [outcome] = await t.pool.execute("uploads");
    assertMatch(outcome, /^(BadResource|\w*Error) /);
  }),

  "A client that disconnects aborts the request's signal": served(
    async ({ url, gate }) => {
      const stop = new AbortController();
      const response = fetch(`${url}/wait`, stop).catch(() => "gone");
      await gate.arrived();
      stop.abort();
      assertEquals(await response, "gone");
      await gate.arrived(2);
    },
  ),

  "A form arrives with its files": served(async ({ url }) => {
    const body = new FormData();
    body.append("a", "ü");
    body.append("file", new File([pattern(100_000)], "b.bin", { type: "x/y" }));
    body.append("note", new File(["text"], "n.txt", { type: "text/plain" }));
    const response = await fetch(`${url}/form`, { method: "POST", body });
    const [a, file, note] = await response.json();
    assertEquals([a, note], ["a=ü", "note: n.txt text/plain text"]);
    assert(file.startsWith("file: b.bin x/y "));
  }),

  "A body that a job ignores does no harm": served(async ({ url }) => {
    for (let i = 0; i < 5; i++) {
      const { stream } = new Source((i) =>
        i < 20 ? new Uint8Array(50_000) : undefined
      );
      const init = { method: "POST", body: stream as BodyInit };
      const response = await fetch(`${url}/ignore`, init);
      assertEquals(await response.text(), "not read");
    }
  }),

  "A request is answered while others wait in the same worker": async (t) => {
    const pool = t.make({ concurrency: 4 });
    await served(async ({ url, gate }) => {
      const stop = new AbortController();
      const waiting = Array.from({ length: 3 }, () => {
        return fetch(`${url}/wait`, stop).catch(() => "gone");
      });
      await gate.arrived(3);
      assertEquals(pool.stats().running, 3);
      assertEquals(await (await fetch(`${url}/ignore`)).text(), "not read");
      stop.abort();
      await Promise.all(waiting);
      await gate.arrived(6);
      await eventually(
        () => pool.stats().running === 0,
        () => `${pool.stats().running} jobs run`,
      );
    })({ ...t, pool });
  },

  "A response from a worker's fetch() can be served": async ({ pool }) => {
    await using origin = serve(({ url }) =>
      url.endsWith("/gzip")
        ? new Response(
          new Blob(["text"]).stream().pipeThrough(
            new CompressionStream("gzip"),
          ),
          { headers: { "content-encoding": "gzip" } },
        )
        : url.endsWith("/redirect")
        ? Response.redirect(new URL("/plain", url))
        : new Response("text")
    );
    await using server = serve((request) => {
      return pool.execute("proxy", [request, origin.url]);
    });
    for (const path of ["/gzip", "/redirect", "/plain"]) {
      const response = await fetch(`${server.url}${path}`);
      assertEquals([response.status, await response.text()], [200, "text"]);
    }
  },

  "The response of Deno.upgradeWebSocket() is rejected": async (t) => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    await using server = serve(
      (request) => t.pool.execute("handle", [request, t.gate.key]),
      (error) => {
        resolve(error);
        return new Response(null, { status: 500 });
      },
    );
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/upgrade`);
    const closed = new Promise((resolve) => socket.onclose = resolve);
    socket.onerror = (event) => event.preventDefault();
    const error = await promise;
    assertInstanceOf(error, JobCloneError);
    assertMatch(error.message, /status 101: an upgrade cannot move/);
    await closed;
  },
});
