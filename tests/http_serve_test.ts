// A server whose requests are handled by the jobs of a pool.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/http_values.ts";
import { Gate } from "./gate.ts";
import { eventually, poolTest } from "./live_workers.ts";
import { pattern, readText, sameBytes, writeAll } from "./sockets.ts";
import { Source } from "./streams.ts";

/** A server, its pool, and a gate at which its jobs tell of themselves. */
interface Setting {
  url: string;
  port: number;
  pool: ThreadPool<typeof jobs>;
  gate: Gate;
}

/** A test with a server of its own. */
function serverTest(
  name: string,
  fn: (setting: Setting) => Promise<void>,
  options: { size?: number; concurrency?: number } = {},
): void {
  poolTest(name, async () => {
    const module = new URL("./fixtures/http_values.ts", import.meta.url);
    await using pool = new ThreadPool<typeof jobs>({
      module,
      size: 1,
      ...options,
    });
    using gate = new Gate();
    await using server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen() {},
      onError: (error) =>
        new Response((error as Error).message, { status: 500 }),
    }, (request) => pool.execute("handle", [request, gate.key]));
    const { port } = server.addr;
    await fn({ url: `http://127.0.0.1:${port}`, port, pool, gate });
  });
}

/** What a request is sent and answered with, byte by byte. */
async function raw(port: number, text: string): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeAll(conn, new TextEncoder().encode(text));
  return await readText(conn);
}

serverTest("a job gets a client's request", async ({ url }) => {
  const response = await fetch(`${url}/see?a=%20b`, {
    method: "PATCH",
    headers: { "x-a": "1" },
    body: "body",
  });
  const seen = await response.json();
  assertEquals(
    [seen.method, seen.url, seen.hasBody],
    ["PATCH", `${url}/see?a=%20b`, true],
  );
  assertEquals(new Headers(seen.headers).get("x-a"), "1");
});

serverTest("GET has no body in the job", async ({ url }) => {
  const { method, hasBody } = await (await fetch(`${url}/see`)).json();
  assertEquals([method, hasBody], ["GET", false]);
});

serverTest("HEAD is answered without a body", async ({ port }) => {
  const text = await raw(
    port,
    "HEAD /see HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
  );
  assertMatch(text, /^HTTP\/1.1 200 OK\r\n/);
  assertMatch(text, /content-type: application\/json\r\n/i);
  assert(text.endsWith("\r\n\r\n"), text);
});

serverTest("a body goes through a job and comes back", async ({ url }) => {
  for (const body of ["", "grüße", pattern(50_000), pattern(3_000_000)]) {
    const headers = { "content-type": "x/y" };
    const init = { method: "POST", headers, body };
    const response = await fetch(`${url}/echo`, init);
    assertEquals(response.headers.get("content-type"), "x/y");
    const expected = await new Blob([body]).bytes();
    assert(sameBytes(await response.bytes(), expected));
  }
});

serverTest("large bodies stream in both directions", async ({ url }) => {
  const length = 10_000_000;
  const uploaded = await fetch(`${url}/check?length=${length}`, {
    method: "POST",
    body: new Blob([pattern(length)]).stream(),
  });
  assertEquals(await uploaded.json(), true);
  const downloaded = await fetch(`${url}/large?length=${length}`);
  assert(sameBytes(await downloaded.bytes(), pattern(length)));
});

serverTest(
  "an answer begins while its request's body is still sent",
  async ({ url }) => {
    const { readable, writable } = new TransformStream<Uint8Array>();
    const writer = writable.getWriter();
    // Some of it, or the client does not send the head.
    writer.write(new TextEncoder().encode("first"));
    const response = await fetch(`${url}/echo`, {
      method: "POST",
      body: readable,
    });
    const reader = response.body!
      .pipeThrough(new TextDecoderStream())
      .getReader();
    assertEquals((await reader.read()).value, "first");
    writer.write(new TextEncoder().encode("second"));
    assertEquals((await reader.read()).value, "second");
    await writer.close();
    assertEquals((await reader.read()).done, true);
  },
);

serverTest(
  "many requests at once are each answered with their own",
  async ({ url }) => {
    const answers = Array.from({ length: 100 }, async (_, i) => {
      const body = pattern(1 + (i % 10) * 9_000).map((byte) => byte ^ i);
      const response = await fetch(`${url}/echo`, { method: "POST", body });
      assert(sameBytes(await response.bytes(), body), `request ${i}`);
    });
    await Promise.all(answers);
  },
  { size: 2 },
);

serverTest(
  "slow answers do not hold up others of the same worker",
  async ({ url, pool, gate }) => {
    const slow = await fetch(`${url}/endless`);
    const reader = slow.body!.getReader();
    await reader.read();
    for (let i = 0; i < 5; i++) {
      await (await fetch(`${url}/see`)).json();
      await reader.read();
    }
    assertEquals(pool.stats().size, 1);
    await reader.cancel();
    await gate.arrived();
  },
);

serverTest(
  "a client that goes in the middle of an answer cancels its source in the job",
  async ({ port, gate, pool }) => {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    const head = "GET /endless HTTP/1.1\r\nhost: a\r\n\r\n";
    await writeAll(conn, new TextEncoder().encode(head));
    const buffer = new Uint8Array(100_000);
    for (let i = 0; i < 10; i++) await conn.read(buffer);
    assertEquals(gate.count, 0);
    conn.close();
    await gate.arrived();
    await pool.drain();
  },
);

serverTest(
  "a client that goes in the middle of its request errors the body in the job",
  async ({ port, gate, pool }) => {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    const head =
      "POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n";
    await writeAll(conn, new TextEncoder().encode(`${head}part`));
    await gate.arrived();
    conn.close();
    await gate.arrived(2);
    const [outcome] = await pool.execute("uploads");
    assertMatch(outcome, /^(BadResource|\w*Error) /);
  },
);

serverTest(
  "a client that goes while its job works aborts the request's signal",
  async ({ url, gate }) => {
    const controller = new AbortController();
    const response = fetch(`${url}/wait`, controller).catch(() => "gone");
    await gate.arrived();
    controller.abort();
    assertEquals(await response, "gone");
    await gate.arrived(2);
  },
);

serverTest("each cookie is a header of its own", async ({ url, port }) => {
  const response = await fetch(`${url}/cookies`);
  assertEquals(response.headers.getSetCookie(), ["a=1", "b=2; Path=/"]);
  assertEquals(await response.text(), "");
  const text = await raw(
    port,
    "GET /cookies HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
  );
  assertEquals(text.match(/^set-cookie: /gim)?.length, 2);
});

serverTest("a redirect is followed by the client", async ({ url }) => {
  const response = await fetch(`${url}/redirect`, {
    method: "POST",
    body: "a",
  });
  assert(response.redirected);
  assertEquals((await response.json()).method, "GET");
});

serverTest("a status without a body has none", async ({ url }) => {
  for (const code of [204, 205, 304]) {
    const response = await fetch(`${url}/status?code=${code}`);
    assertEquals([response.status, await response.text()], [code, ""]);
  }
});

serverTest("a form is sent and received with its files", async ({ url }) => {
  const body = new FormData();
  body.append("a", "ü");
  body.append("file", new File([pattern(100_000)], "b.bin", { type: "x/y" }));
  body.append("note", new File(["text"], "n.txt", { type: "text/plain" }));
  const response = await fetch(`${url}/form`, { method: "POST", body });
  const [a, file, note] = await response.json();
  assertEquals([a, note], ["a=ü", "note: n.txt text/plain text"]);
  assert(file.startsWith("file: b.bin x/y "));
});

serverTest("a job that fails is the server's error", async ({ url }) => {
  const response = await fetch(`${url}/nowhere`, { method: "POST", body: "a" });
  assertEquals(response.status, 500);
  assertEquals(await response.text(), "nothing at /nowhere");
});

serverTest(
  "a request whose body the job ignores is answered, and others after it",
  async ({ url }) => {
    for (let i = 0; i < 5; i++) {
      const source = new Source((i) =>
        i < 20 ? new Uint8Array(50_000) : undefined
      );
      const body = source.stream as ReadableStream<Uint8Array>;
      const init = { method: "POST", body };
      const response = await fetch(`${url}/ignore`, init);
      assertEquals(await response.text(), "not read");
    }
  },
);

serverTest(
  "requests share a worker that waits for others",
  async ({ url, gate, pool }) => {
    const controller = new AbortController();
    const waiting = Array.from({ length: 3 }, () => {
      return fetch(`${url}/wait`, controller).catch(() => "gone");
    });
    await gate.arrived(3);
    assertEquals(pool.stats().running, 3);
    assertEquals(
      await (await fetch(`${url}/see`)).json().then(({ method }) => method),
      "GET",
    );
    controller.abort();
    await Promise.all(waiting);
    await gate.arrived(6);
    await eventually(
      () => pool.stats().running === 0,
      () => `${pool.stats().running} jobs run`,
    );
  },
  { concurrency: 4 },
);
