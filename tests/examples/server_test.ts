// Tests the example servers, each in a separate process, by the command in its header.
import { connect as netConnect } from "node:net";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { delay } from "@std/async";
import { getAvailablePort } from "@std/net";
import { handle } from "../../examples/serve_jobs.ts";
import { Example, ROOT } from "./example.ts";

const windows = Deno.build.os === "windows";

const GET = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const GET_SLEEP = GET.replace("/", "/sleep");
const GET_LAST = GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
/** Time in ms that the server waits for a client, and that `/sleep` takes. */
const SECONDS_5 = 5_000;

/** Tests that wait for seconds, which run in parallel, each with its own server. */
const slow = new Map<string, () => Promise<void>>();
function inParallel(name: string, fn: () => Promise<void>): void {
  slow.set(name, fn);
}

const startServer = () => Example.serve("server.ts", { args: ["--port", "0"] });

const connect = ({ port }: Example) =>
  Deno.connect({ hostname: "127.0.0.1", port });

async function send(conn: Deno.Conn, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let sent = 0; sent < bytes.length;) {
    sent += await conn.write(bytes.subarray(sent));
  }
}

/** Returns everything that the server sends until it closes the connection. */
async function readAll(conn: Deno.Conn): Promise<string> {
  return await new Response(conn.readable).text();
}

/** Sends texts, and returns all that the server sends until it closes the connection. */
async function ask(server: Example, ...texts: string[]): Promise<string> {
  const conn = await connect(server);
  for (const text of texts) await send(conn, text);
  return await readAll(conn);
}

/** Reads at least this many characters from a connection that stays open. */
async function read(conn: Deno.Conn, length: number): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(4096);
  while (text.length < length) {
    const count = await conn.read(buffer);
    assert(count !== null, `Expected more than: ${text}`);
    text += new TextDecoder("latin1").decode(buffer.subarray(0, count));
  }
  return text;
}

/** Returns the statuses of consecutive responses. */
function statuses(text: string): number[] {
  return Array.from(text.matchAll(/^HTTP\/1\.1 (\d+)/gm), ([, s]) => Number(s));
}

Deno.test("GET / returns the page unchanged", async () => {
  await using server = await startServer();
  const response = await fetch(`http://127.0.0.1:${server.port}/?query`);
  const page = await Deno.readTextFile(`${ROOT}/examples/hello.html`);
  assertEquals(await response.text(), page);
  assertEquals(response.status, 200);
  const { headers } = response;
  assertEquals(headers.get("content-type"), "text/html; charset=utf-8");
  assert(!Number.isNaN(Date.parse(headers.get("date")!)));
  assertMatch(server.output, /^Worker [1-4] got a job; executing\.$/m);
});

Deno.test("any other path returns the 404 page, and HEAD returns no page", async () => {
  await using server = await startServer();
  const missing = await ask(server, GET_LAST.replace("/", "/sleepy"));
  assertEquals(statuses(missing), [404]);
  assert(missing.includes("<h1>Oops!</h1>"));
  const head = await ask(server, GET_LAST.replace("GET", "HEAD"));
  assertMatch(head, /^HTTP\/1\.1 200 OK\r\n[^]*Length: 1[^]*\r\n\r\n$/);
});

Deno.test("curl gets two pages over one connection (skipped without curl)", async () => {
  const curl = (...args: string[]) =>
    new Deno.Command("curl", { args, stderr: "null" }).output();
  await using server = await startServer();
  const url = `http://127.0.0.1:${server.port}/`;
  const format = "%{http_code} %{num_connects}\n";
  try {
    const files = ["-o", "-", "-o", "-"];
    const { stdout } = await curl("-w", format, ...files, url, url);
    const text = new TextDecoder().decode(stdout);
    assertMatch(text, /Hi from Deno[^]*200 1\n[^]*Hi from Deno[^]*200 0\n/);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
});

Deno.test("requests of one connection are answered in order", async () => {
  await using server = await startServer();
  // In one piece, and one byte at a time.
  const two = GET.replace("/", "/missing") + GET_LAST;
  assertEquals(statuses(await ask(server, two)), [404, 200]);
  assertEquals(statuses(await ask(server, ...two)), [404, 200]);
  const old = "GET / HTTP/1.0\r\n\r\n";
  assertMatch(await ask(server, old + GET), /^HTTP[^]*Connection: close\r\n/);
});

Deno.test("an invalid or too large request is refused, and ends the connection", async () => {
  await using server = await startServer();
  const withHeader = (header: string, method = "GET") =>
    `${method} / HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n`;
  const refused: [text: string, status: number][] = [
    ["nonsense\r\n\r\n", 400],
    ["GET /\r\n\r\n", 400],
    ["GET / HTTP/2.0\r\nHost: x\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\n\r\n", 400], // no host
    ["\r\n" + GET, 400],
    [withHeader("Host: y"), 400],
    [withHeader("no header"), 400],
    [withHeader("Spaced : x"), 400],
    [withHeader(" folded: x"), 400],
    [withHeader("A: x\nContent-Length: 5"), 400],
    [withHeader("A: \0"), 400],
    // The server must not read a body as the next request.
    [withHeader(`Content-Length: ${GET.length}`), 413],
    [withHeader("Content-Length: 0\r\ncontent-length: 5"), 413],
    [withHeader("Content-Length: +0"), 413],
    [withHeader("Transfer-Encoding: chunked", "POST"), 413],
    [withHeader("Transfer-Encoding: identity"), 413],
    [withHeader("Content-Length: 0", "POST"), 501],
    [`GET /${"x".repeat(8 * 1024)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
    [withHeader(`X: ${"x".repeat(64 * 1024)}`), 431],
    ["x".repeat(64 * 1024), 431],
  ];
  for (const [text, status] of refused) {
    const conn = await connect(server);
    await send(conn, text + GET);
    await conn.closeWrite();
    const answer = await readAll(conn);
    assertEquals(statuses(answer), [status], text.slice(0, 100));
    assertMatch(answer, /\r\nConnection: close\r\n/);
  }
});

Deno.test("a head of 8 KiB is accepted, and many spaces in it do not take long", async () => {
  await using server = await startServer();
  const spaces = " ".repeat(8_000);
  const start = performance.now();
  const head = GET_LAST.replace("Host:", `X:${spaces}x\r\nHost:`);
  assertEquals(statuses(await ask(server, head)), [200]);
  assert(performance.now() - start < 2_000);
});

Deno.test("a client that was refused can still send, and read the response", async () => {
  await using server = await startServer();
  using conn = await connect(server);
  await send(
    conn,
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n",
  );
  assertEquals(statuses(await read(conn, 100)), [413]);
  for (let i = 0; i < 16; i++) await send(conn, "x".repeat(4096));
});

Deno.test("the server continues when its stdout is closed", async () => {
  const process = new Deno.Command(Deno.execPath(), {
    args: "run --quiet --allow-net --allow-read examples/server.ts --port 0"
      .split(" "),
    cwd: ROOT,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const reader = process.stdout.getReader();
  const printed = new TextDecoder().decode((await reader.read()).value);
  await reader.cancel();
  const url = /http:\S+/.exec(printed)![0];
  for (let i = 0; i < 2; i++) {
    const response = await fetch(url);
    assertEquals(response.status, 200);
    await response.body?.cancel();
  }
  process.kill("SIGKILL");
  assertEquals(await new Response(process.stderr).text(), "");
  await process.status;
});

inParallel(
  "the connection of a silent or slow client is closed after five seconds",
  async () => {
    await using server = await startServer();
    const start = performance.now();
    const waits = ["", "GET / HT", GET].map(async (text) => {
      const answer = await ask(server, text);
      assertEquals(statuses(answer), text === GET ? [200] : []);
      const ms = performance.now() - start;
      assert(
        ms > SECONDS_5 - 50 && ms < 3 * SECONDS_5,
        `Closed after ${ms} ms`,
      );
    });
    // One of the four workers is free.
    assertEquals(statuses(await ask(server, GET_LAST)), [200]);
    assert(performance.now() - start < SECONDS_5);
    await Promise.all(waits);
    assertEquals(server.output.includes("error"), false);
  },
);

inParallel(
  "GET /sleep occupies one of four workers, and a fifth request waits",
  async () => {
    await using server = await startServer();
    const sleep = GET_SLEEP.replace(
      "\r\n\r\n",
      "\r\nConnection: close\r\n\r\n",
    );
    const start = performance.now();
    const sleeps = [0, 1, 2].map(() => ask(server, sleep));
    await server.match(/(got a job[^]*){3}/);
    assertEquals(statuses(await ask(server, GET_LAST)), [200]);
    assert(performance.now() - start < SECONDS_5);
    sleeps.push(ask(server, sleep));
    await server.match(/(got a job[^]*){5}/);
    assertEquals(statuses(await ask(server, GET_LAST)), [200]);
    assert(performance.now() - start >= SECONDS_5 - 50);
    for (const answer of await Promise.all(sleeps)) {
      assert(answer.includes("Hi from Deno"));
    }
  },
);

Deno.test("clients that reset or close their connections do not affect other clients", async () => {
  await using server = await startServer();
  for (let round = 0; round < 20; round++) {
    const resets = ["", "GET / HT", GET].map((text) =>
      new Promise<void>((resolve) => {
        const socket = netConnect(server.port, "127.0.0.1", () => {
          if (text === "") socket.resetAndDestroy();
          else socket.write(text, () => socket.resetAndDestroy());
        });
        socket.on("close", () => resolve()).on("error", () => {});
      })
    );
    const [answer] = await Promise.all([ask(server, GET_LAST), ...resets]);
    assertEquals(statuses(answer), [200]);
  }
  using conn = await connect(server);
  await send(conn, "GET / HT");
  await conn.closeWrite();
  assertEquals(await readAll(conn), "");
  for (const line of server.output.trim().split("\n")) {
    assertMatch(line, /^(Listening|Worker [1-4] got|error: )/);
  }
});

for (const signal of windows ? [] : ["SIGINT", "SIGTERM"] as const) {
  inParallel(
    `${signal} finishes accepted requests, accepts no more, and exits with 0`,
    async () => {
      await using server = await startServer();
      // Each worker has a request, and one more request waits.
      const answers = [0, 1, 2, 3, 4].map(() => ask(server, GET_SLEEP));
      await server.match(/(got a job[^]*){4}/);
      server.kill(signal);
      await server.match(/Shutting down/);
      await delay(500); // the pending accept() keeps the socket for a turn
      await assertRejects(() => connect(server), Deno.errors.ConnectionRefused);
      const served = (await Promise.all(answers)).filter((answer) => {
        if (answer === "") return false; // not accepted before the signal came
        assertMatch(answer, /200 OK[^]*Connection: close[^]*Hi from Deno/);
        return true;
      });
      assert(served.length >= 4);
      assertEquals(await server.code(), 0);
      assertEquals(server.output.includes("error"), false);
    },
  );
}

Deno.test("server.ts over time", async (test) => {
  await Promise.all(
    [...slow].map(([name, fn]) =>
      // Parallel steps cannot have sanitizers.
      test.step({
        name,
        fn,
        sanitizeOps: false,
        sanitizeResources: false,
        sanitizeExit: false,
      })
    ),
  );
});

Deno.test("server.ts listens on the port of --port", async () => {
  const port = getAvailablePort();
  await using server = await Example.serve("server.ts", {
    args: ["--port", `${port}`],
  });
  assertEquals(server.port, port);
});

Deno.test("server.ts exits with an error if the port is in use or invalid", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  for (const port of [String(listener.addr.port), "many", "-1"]) {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "examples/server.ts", `--port=${port}`],
      cwd: ROOT,
    }).output();
    assertEquals(code, 1);
    assertMatch(new TextDecoder().decode(stderr), /AddrInUse|Invalid port/);
  }
});

Deno.test("serve.ts hashes posted bodies, several requests at once", async () => {
  // printf abc | sha256sum
  const hash =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n";
  const post = { method: "POST", body: "abc" };
  // The handler needs no pool.
  const direct = await handle(new Request("http://localhost/", post));
  assertEquals(await direct.text(), hash);
  await using server = await Example.serve("serve.ts", { args: ["0"] });
  const url = `http://127.0.0.1:${server.port}/`;
  const responses = await Promise.all(
    Array.from({ length: 8 }, () => fetch(url, post)),
  );
  for (const response of responses) assertEquals(await response.text(), hash);
  assertMatch(await (await fetch(url)).text(), /^POST something/);
});
