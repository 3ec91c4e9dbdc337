// The bodies of the web server's requests, in memory.
import { assert, assertEquals } from "@std/assert";
import { makeSite } from "../examples/server_pages.ts";
import { serveConnection } from "../examples/http/connection.ts";
import { exchange, MemoryConn, statuses } from "./server_in_memory.ts";

const GET = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const MIB = 1024 * 1024;

function post(...lines: string[]): string {
  return `POST /echo HTTP/1.1\r\nHost: localhost\r\n${lines.join("\r\n")}`;
}

function chunked(...lines: string[]): string {
  return post("Transfer-Encoding: chunked", "", ...lines);
}

/** What `/echo` gives back for a request; another one after it is answered, too. */
async function echo(...packets: (string | Uint8Array)[]): Promise<Uint8Array> {
  const { responses } = await exchange([...packets, GET]);
  assertEquals(responses.map(({ status }) => status), [200, 200]);
  const [{ headers, body }] = responses;
  assertEquals(headers.get("content-length"), `${body.length}`);
  return body;
}

async function echoText(...packets: string[]): Promise<string> {
  return new TextDecoder().decode(await echo(...packets));
}

Deno.test("POST /echo gives the body back, whatever its bytes", async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const head = post("Content-Length: 256", "", "");
  assertEquals(await echo(head, bytes), bytes);
  assertEquals(await echoText(post("Content-Length: 0", "", "")), "");
  assertEquals(await echoText(post("", "")), "");
  assertEquals(
    await echoText(post("content-length:\t005 ", "", "hello")),
    "hello",
  );
});

Deno.test("a body in chunks is put together", async () => {
  for (
    const [text, expected] of [
      [chunked("5", "hello", "0", "", ""), "hello"],
      [chunked("4", "wiki", "5", "pedia", "0", "", ""), "wikipedia"],
      [chunked("0", "", ""), ""],
      [chunked("000", "", ""), ""],
      [
        chunked("A", "0123456789", "00b", "0123456789\n", "0", "", ""),
        "01234567890123456789\n",
      ],
      [chunked('2;name="v a l"', "\r\n", "0;x", "", ""), "\r\n"],
      [chunked("1 ; x", "a", "0", "T: 1", "U: 2", "", ""), "a"],
      [post("transfer-encoding:CHUNKED ", "", "1", "a", "0", "", ""), "a"],
    ]
  ) assertEquals(await echoText(text), expected, text);
});

Deno.test("a malformed body in chunks gets 400, and nothing after it is answered", async () => {
  for (
    const text of [
      chunked("", ""),
      chunked("x", ""),
      chunked("-1", ""),
      chunked("0x1", "a", "0", "", ""),
      chunked(" 1", "a", "0", "", ""),
      chunked("1 ", "a", "0", "", ""),
      chunked("1,x", "a", "0", "", ""),
      chunked("1;a\0b", "a", "0", "", ""),
      chunked("1;a\rb", "a", "0", "", ""),
      chunked("1\na", "0", "", ""),
      chunked("1", "ab"),
      chunked("2", "a", "0", "", ""),
      chunked("1", "a\n0", "", ""),
      chunked("0".repeat(17), "", ""),
      chunked(`1;${"x".repeat(300)}`, "a", "0", "", ""),
      chunked("0", "no colon", "", ""),
      chunked("0", " folded: 1", "", ""),
      chunked("0", "T: 1\n", "", ""),
    ]
  ) {
    assertEquals(await statuses(text, GET), [400], JSON.stringify(text));
  }
});

Deno.test("a body is drained where no page wants it", async () => {
  const get = (text: string) => text.replace("POST /echo", "GET /");
  const withLength = get(post(`Content-Length: ${GET.length}`, "", GET));
  assertEquals(await statuses(withLength + GET), [200, 200]);
  const inChunks = get(chunked(GET.length.toString(16), GET, "0", "", ""));
  assertEquals(await statuses(inChunks + GET), [200, 200]);
});

Deno.test("a length that is no whole number, or that comes twice, gets 400", async () => {
  for (
    const length of [
      "",
      "-1",
      "+5",
      "5.0",
      "0x5",
      "5a",
      "5 5",
      "5,5",
      "\u00a05",
    ]
  ) {
    const text = post(`Content-Length: ${length}`, "", "hello");
    assertEquals(await statuses(text, GET), [400], length);
  }
  for (const second of [4, 5]) {
    const lengths = ["Content-Length: 5", `Content-Length: ${second}`];
    assertEquals(await statuses(post(...lengths, "", "hello"), GET), [400]);
  }
});

Deno.test("a length beside chunks gets 400, in either order", async () => {
  const headers = ["Content-Length: 5", "Transfer-Encoding: chunked"];
  for (const pair of [headers, headers.toReversed()]) {
    const text = post(...pair, "", "0", "", "");
    assertEquals(await statuses(text, GET), [400]);
  }
});

Deno.test("a transfer coding other than chunked gets 501, and in HTTP/1.0 any gets 400", async () => {
  for (
    const codings of [
      ["gzip"],
      ["gzip, chunked"],
      ["gzip", "chunked"],
      ["chunked, chunked"],
      ["chunked", "identity"],
      ["xchunked"],
      [""],
    ]
  ) {
    const headers = codings.map((coding) => `Transfer-Encoding: ${coding}`);
    const text = post(...headers, "", "0", "", "");
    assertEquals(await statuses(text, GET), [501], `${codings}`);
  }
  const old = chunked("0", "", "").replace("HTTP/1.1", "HTTP/1.0");
  assertEquals(await statuses(old, GET), [400]);
});

Deno.test("a body of 1 MiB is read", async () => {
  const body = crypto.getRandomValues(new Uint8Array(64 * 1024));
  const packets = Array<Uint8Array>(16).fill(body);
  const whole = await new Blob(packets as BlobPart[]).bytes();
  assertEquals(
    await echo(post(`Content-Length: ${MIB}`, "", ""), ...packets),
    whole,
  );

  const chunk = packets.flatMap((bytes) => ["10000\r\n", bytes, "\r\n"]);
  assertEquals(await echo(chunked(""), ...chunk, "0\r\n\r\n"), whole);
});

Deno.test("a longer body gets 413 as soon as that shows", async () => {
  const hex = MIB.toString(16);
  for (
    const packets of [
      [post(`Content-Length: ${MIB + 1}`, "", "")],
      [post(`Content-Length: ${"9".repeat(400)}`, "", "")],
      [chunked((MIB + 1).toString(16), "")],
      [chunked("f".repeat(16), "")],
      [chunked(hex, ""), new Uint8Array(MIB), "\r\n1\r\n"],
    ]
  ) {
    const { responses, isParted } = await exchange([...packets, GET]);
    assertEquals(responses.map(({ status }) => status), [413]);
    assertEquals(responses[0].headers.get("connection"), "close");
    assert(isParted);
  }
});

Deno.test("trailers have the limit of a head", async () => {
  const trailers = (bytes: number) => `T: ${"x".repeat(bytes - 7)}`;
  assertEquals(
    await echoText(chunked("0", trailers(8192), "", "").slice(0, -2) + "\r\n"),
    "",
  );
  assertEquals(await statuses(chunked("0", trailers(8193), "", "")), [431]);
});

/** Sends a head, and the body once the server asks for it; gives all that the server wrote. */
async function converse(head: string, body: string): Promise<string[]> {
  const conn = new MemoryConn([head]);
  const decoder = new TextDecoder();
  const lines: string[] = [];
  conn.onWrite = (bytes) => {
    const [line] = decoder.decode(bytes).split("\r\n");
    lines.push(line);
    if (line.includes("100")) conn.send(body);
    conn.end();
  };
  await serveConnection(conn, makeSite(0), {
    idle: 5_000,
    isStopping: () => false,
  });
  return lines;
}

Deno.test("a client that expects 100 gets it before it sends its body", async () => {
  const expect = "expect: 100-Continue";
  const both = ["HTTP/1.1 100 Continue", "HTTP/1.1 200 OK"];
  assertEquals(
    await converse(post(expect, "Content-Length: 5", "", ""), "hello"),
    both,
  );
  assertEquals(
    await converse(
      post(expect, "Transfer-Encoding: chunked", "", ""),
      "0\r\n\r\n",
    ),
    both,
  );
});

Deno.test("100 is left out where it says nothing: no body, body here, refused, HTTP/1.0", async () => {
  const expect = "Expect: 100-continue";
  const five = "Content-Length: 5";
  assertEquals(await statuses(post(expect, "", "")), [200]);
  assertEquals(await statuses(post(expect, five, "", "hello")), [200]);
  assertEquals(
    await statuses(post(expect, `Content-Length: ${MIB + 1}`, "", "")),
    [413],
  );
  const old = post(expect, five, "", "").replace("HTTP/1.1", "HTTP/1.0");
  assertEquals(await statuses(old, "hello"), [200]);
});
