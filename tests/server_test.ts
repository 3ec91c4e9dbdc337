// The web server, tested from outside: as a process, over its port.
import { connect as netConnect } from "node:net";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { delay } from "@std/async";
import {
  connect,
  parseResponse,
  type RawResponse,
  readResponse,
  readToEnd,
  request,
  send,
} from "./raw_http.ts";
import { hasCurl, runServer, Server } from "./server_process.ts";

const GET_ROOT = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const GET_SLEEP = "GET /sleep HTTP/1.1\r\nHost: localhost\r\n\r\n";
const POST_FIVE =
  "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n";
const windows = Deno.build.os === "windows";

function assertPage(response: RawResponse, status: number, text: string) {
  assertEquals(response.status, status);
  const { headers, body, page } = response;
  assertEquals(headers.get("content-type"), "text/html; charset=utf-8");
  assertEquals(headers.get("content-length"), String(body.length));
  assert(page.includes(text), `Expected "${text}" in ${page}`);
}

function assertHello(response: RawResponse) {
  assertPage(response, 200, "<h1>Hello!</h1>");
  assertPage(response, 200, "Hi from Deno");
}

Deno.test("GET / gives the page to a raw TCP client", async () => {
  await using server = await Server.start();
  assertHello(await request(server.port, GET_ROOT));
});

Deno.test("GET / gives the page to fetch", async () => {
  await using server = await Server.start();
  const response = await fetch(`http://127.0.0.1:${server.port}/`);
  const body = await response.bytes();
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("content-length"), String(body.length));
  assert(new TextDecoder().decode(body).includes("Hi from Deno"));
});

Deno.test({
  name: "GET / gives the page to curl (skipped where curl is not installed)",
  ignore: !await hasCurl(),
  fn: async () => {
    await using server = await Server.start();
    const { stdout } = await new Deno.Command("curl", {
      args: ["-sSi", "--max-time", "10", `http://127.0.0.1:${server.port}/`],
    }).output();
    assertHello(parseResponse(stdout));
  },
});

Deno.test("HEAD / gives the headers of the page without the page", async () => {
  await using server = await Server.start();
  const page = await request(server.port, GET_ROOT);
  const head = await request(server.port, GET_ROOT.replace("GET", "HEAD"));
  assertEquals(head.status, 200);
  for (const [name, value] of page.headers) {
    if (name !== "date") assertEquals(head.headers.get(name), value);
  }
  assertEquals(head.body.length, 0);
});

Deno.test("anything else gives the 404 page", async () => {
  await using server = await Server.start();
  for (const path of ["/missing", "/sleepy", "/echoes"]) {
    const text = GET_ROOT.replace("/", path);
    assertPage(await request(server.port, text), 404, "Oops!");
  }
});

Deno.test("a client that was answered early can still send the rest of its body", async () => {
  await using server = await Server.start();
  using conn = await connect(server.port);
  await send(
    conn,
    "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n",
  );
  assertPage(parseResponse(await readToEnd(conn)), 413, "Too large!");
  // A connection closed already would be reset by the first of these.
  for (let i = 0; i < 16; i++) await send(conn, "x".repeat(4096));
});

Deno.test("a malformed request gets 400, and the end of its connection", async () => {
  await using server = await Server.start();
  using conn = await connect(server.port);
  await send(conn, `nonsense\r\n\r\n${GET_ROOT}`);
  assertPage(parseResponse(await readToEnd(conn)), 400, "Pardon?");
});

Deno.test("a head beyond 8 KiB gets 431, however much follows", async () => {
  await using server = await Server.start();
  using conn = await connect(server.port);
  await send(conn, `GET / HTTP/1.1\r\nX: ${"x".repeat(64 * 1024)}\r\n\r\n`);
  assertPage(parseResponse(await readToEnd(conn)), 431, "8 KiB");
});

Deno.test("a request that arrives one byte at a time is answered", async () => {
  await using server = await Server.start();
  using conn = await connect(server.port);
  conn.setNoDelay();
  for (const byte of GET_ROOT) await send(conn, byte);
  assertHello(await readResponse(conn));
});

Deno.test("a client is closed after --idle ms of silence, not for being slow", async () => {
  const idle = 1_000;
  await using server = await Server.start("--idle", `${idle}`);
  const start = performance.now();

  async function assertClosedForSilence(text: string, status?: number) {
    using conn = await connect(server.port);
    await send(conn, text);
    if (status) assertEquals((await readResponse(conn)).status, status);
    assertEquals(await readToEnd(conn), new Uint8Array());
    const ms = performance.now() - start;
    assert(ms > idle - 50 && ms < 5 * idle, `Was closed after ${ms} ms`);
  }
  async function assertAnsweredThoughSlow() {
    using conn = await connect(server.port);
    for (const byte of GET_ROOT) {
      await delay(1.1 * idle / GET_ROOT.length);
      await send(conn, byte);
    }
    assert(performance.now() - start > idle, "Expected to be slow");
    assertHello(await readResponse(conn));
  }

  await Promise.all([
    assertClosedForSilence(""),
    assertClosedForSilence("GET / HT"),
    assertClosedForSilence(GET_ROOT, 200),
    assertClosedForSilence(POST_FIVE + "hel"),
    assertAnsweredThoughSlow(),
  ]);
});

Deno.test("a client that leaves before its request is whole gets no response", async () => {
  await using server = await Server.start();
  const start = performance.now();
  using conn = await connect(server.port);
  await send(conn, "GET / HTTP/1.1\r\n");
  await conn.closeWrite();
  assertEquals(await readToEnd(conn), new Uint8Array());
  const ms = performance.now() - start;
  assert(ms < 4_000, `Expected to be closed at once, not after ${ms} ms`);
});

Deno.test("four workers answer four GET /sleep together, and a fifth after the first", async () => {
  const ms = 2_000;
  await using server = await Server.start("--size", "4", "--delay", `${ms}`);
  const start = performance.now();
  const times = await Promise.all(
    Array.from({ length: 5 }, async () => {
      assertHello(await request(server.port, GET_SLEEP));
      return performance.now() - start;
    }),
  );
  times.sort((a, b) => a - b);
  assert(times[0] >= ms, `Expected a delay of ${ms} ms, got ${times}`);
  assert(times[3] < 2 * ms, `Expected four answers together, got ${times}`);
  assert(times[4] >= 2 * ms, `Expected the fifth to wait, got ${times}`);
});

Deno.test("GET /sleep holds its worker only", async () => {
  const ms = 10_000;
  await using server = await Server.start("--size", "2", "--delay", `${ms}`);
  const start = performance.now();
  using sleeper = await connect(server.port);
  await send(sleeper, GET_SLEEP);
  await server.stdout.match(/got a job/);
  for (let i = 0; i < 20; i++) {
    assertHello(await request(server.port, GET_ROOT));
  }
  assert(performance.now() - start < ms, "Expected answers during the sleep");
});

Deno.test("each job prints its worker, numbered from 1 to the size", async () => {
  await using server = await Server.start("--size", "2");
  await Promise.all(
    Array.from({ length: 20 }, () => request(server.port, GET_ROOT)),
  );
  const jobs = "(?:^Worker [12] got a job; executing\\.\\n){20}";
  await server.stdout.match(new RegExp(jobs, "m"));
});

Deno.test("2000 connections, 16 at once, are all answered right", async () => {
  await using server = await Server.start();
  let left = 2_000;
  async function client() {
    while (left-- > 0) {
      if (left % 2) assertHello(await request(server.port, GET_ROOT));
      else {
        const text = GET_ROOT.replace("/", `/${left}`);
        assertPage(await request(server.port, text), 404, "Oops!");
      }
    }
  }
  await Promise.all(Array.from({ length: 16 }, client));
  assertEquals(server.stderr.text, "");
});

Deno.test("connections that are reset harm no other", async () => {
  await using server = await Server.start("--delay", "20");
  const resets = ["", "GET / HT", GET_ROOT, GET_SLEEP];
  const rounds = 15;
  for (let i = 0; i < rounds; i++) {
    const [, ...responses] = await Promise.all([
      Promise.all(resets.map((text) => sendAndReset(server.port, text))),
      request(server.port, GET_ROOT),
      request(server.port, GET_SLEEP),
    ]);
    responses.forEach(assertHello);
  }
  const lines = server.stderr.text.split("\n").slice(0, -1);
  assert(lines.length <= rounds * resets.length, lines.join("\n"));
  for (const line of lines) assertMatch(line, /^error: /);
});

function sendAndReset(port: number, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = netConnect(port, "127.0.0.1", () => {
      if (text === "") socket.resetAndDestroy();
      else socket.write(text, () => socket.resetAndDestroy());
    });
    socket.on("close", () => resolve()).on("error", reject);
  });
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test({
    name:
      `${signal} finishes what was accepted, takes no more, and exits with 0 \
(skipped on Windows)`,
    ignore: windows,
    fn: async () => {
      await using server = await Server.start("--size", "2", "--delay", "1000");
      const conns: Deno.Conn[] = [];
      for (let i = 0; i < 3; i++) {
        conns.push(await connect(server.port));
        await send(conns[i], GET_SLEEP);
      }
      await server.stdout.match(/(?:got a job[^]*){2}/);
      await delay(200); // nothing shows when the third, which is queued, was accepted
      server.kill(signal);

      const responses = conns.map(async (conn) => {
        using _ = conn;
        const response = parseResponse(await readToEnd(conn));
        assertEquals(response.headers.get("connection"), "close");
        return response;
      });
      await Promise.race(responses);
      await assertRejects(
        () => connect(server.port),
        Deno.errors.ConnectionRefused,
      );
      (await Promise.all(responses)).forEach(assertHello);
      assertEquals((await server.status).code, 0);
      await server.stderr.ended;
      assertEquals(server.stderr.text, "");
    },
  });

  Deno.test({
    name: `${signal} ends an idle server with exit code 0 (skipped on Windows)`,
    ignore: windows,
    fn: async () => {
      await using server = await Server.start();
      assertHello(await request(server.port, GET_ROOT));
      server.kill(signal);
      assertEquals((await server.status).code, 0);
    },
  });
}

Deno.test("a port in use is one line on stderr and exit code 1", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const { code, stdout, stderr } = await runServer("--port", `${port}`);
  assertMatch(stderr, new RegExp(`^error: .*127\\.0\\.0\\.1:${port}.*\\n$`));
  assertEquals({ code, stdout }, { code: 1, stdout: "" });
});

for (
  const flags of [
    ["--bogus"],
    ["extra"],
    ["--port"],
    ["--port", "-1"],
    ["--port", "65536"],
    ["--size", "0"],
    ["--size", "many"],
    ["--delay", "1.5"],
    ["--delay", "1\n2"],
    ["--concurrency", "0"],
    ["--concurrency", "65537"],
    ["--idle", "0"],
    ["--idle", "never"],
  ]
) {
  Deno.test(`${JSON.stringify(flags)} is one line on stderr and exit code 1`, async () => {
    const { code, stdout, stderr } = await runServer("--port", "0", ...flags);
    assertMatch(stderr, /^error: .+\n$/);
    assertEquals({ code, stdout }, { code: 1, stdout: "" });
  });
}

Deno.test("--help prints the flags and exits with 0", async () => {
  const { code, stdout, stderr } = await runServer("--help");
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  const flags = ["port", "size", "concurrency", "delay", "idle", "help"];
  for (const flag of flags.map((name) => `--${name}`)) {
    assert(stdout.includes(flag), `Expected ${flag} in ${stdout}`);
  }
});
