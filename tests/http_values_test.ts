// Requests and responses among the arguments of jobs and in their results.
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { JobCloneError, ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/http_values.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";
import { pattern, sameBytes } from "./sockets.ts";
import { bytesIn, Source } from "./streams.ts";

function makePool(size = 1): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/http_values.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size });
}

const URL_A = "http://a.test/b?c=1&d=%20";

/** Requests, each with the text of its body. */
const REQUESTS: Record<string, [RequestInit, body: string]> = {
  "GET": [{}, ""],
  "HEAD with headers": [
    {
      method: "HEAD",
      headers: [["x-a", "1"], ["x-a", "2"], ["cookie", "c=d"]],
    },
    "",
  ],
  "POST with a text": [{ method: "POST", body: "grüße" }, "grüße"],
  "POST with bytes": [
    { method: "POST", body: new TextEncoder().encode("bytes") },
    "bytes",
  ],
  "PUT with a Blob": [
    { method: "PUT", body: new Blob(["blob"], { type: "image/png" }) },
    "blob",
  ],
  "PATCH with parameters": [
    { method: "PATCH", body: new URLSearchParams("a=1&b=2") },
    "a=1&b=2",
  ],
  "POST with an empty body": [{ method: "POST", body: "" }, ""],
  "DELETE without a body": [{ method: "DELETE", redirect: "manual" }, ""],
  "PROPFIND that must not be redirected": [
    { method: "PROPFIND", redirect: "error" },
    "",
  ],
};

for (const [name, [init, body]] of Object.entries(REQUESTS)) {
  poolTest(`a request arrives as what it is: ${name}`, async () => {
    await using pool = makePool();
    const request = new Request(URL_A, init);
    const { method, url, redirect } = request;
    assertEquals(await pool.execute("seeRequest", [request]), [
      {
        isRequest: true,
        method,
        url,
        headers: [...request.headers],
        redirect,
        hasBody: "body" in init,
      },
      body,
    ]);
  });
}

poolTest("a request that moves is used: its body is in the job", async () => {
  await using pool = makePool();
  for (const body of ["text", ReadableStream.from([new Uint8Array(1)])]) {
    const request = new Request(URL_A, { method: "POST", body });
    const result = pool.execute("seeRequest", [request]);
    assert(request.bodyUsed || request.body!.locked);
    await assertRejects(() => request.text(), TypeError);
    await result;
  }
});

poolTest("a copy of a request that has moved is its caller's", async () => {
  await using pool = makePool();
  const request = new Request(URL_A, { method: "POST", body: "twice" });
  const copy = request.clone();
  assertEquals((await pool.execute("seeRequest", [request]))[1], "twice");
  assertEquals(await copy.text(), "twice");
});

/** What has been done with a body that can move no more. */
const USED: Record<string, (body: Request | Response) => unknown> = {
  "is used": (body) => body.text(),
  "is cancelled": (body) => body.body!.cancel(),
  "is locked by a reader": (body) => body.body!.getReader(),
  "is being read": (body) => void body.body!.getReader().read(),
};

for (const [name, use] of Object.entries(USED)) {
  poolTest(`a request or response whose body ${name} is refused`, async () => {
    await using pool = makePool();
    const request = new Request(URL_A, { method: "POST", body: "a" });
    for (const message of [request, new Response("a")]) {
      await use(message);
      const source = new Source((i) => i < 1 ? new Uint8Array(1) : undefined);
      const other = new Response(source.stream as ReadableStream<Uint8Array>);
      const error = await assertRejects(
        () => pool.execute("pass", [other, { message }] as never),
        JobCloneError,
      );
      assertStringIncludes(error.message, "args[1].message");
      assertStringIncludes(error.message, "locked or already used");
      assertFalse(other.bodyUsed);
      assertEquals(source.pulled, 0);
      assertEquals((await other.bytes()).length, 1);
    }
  });
}

poolTest("a large body streams into a job", async () => {
  await using pool = makePool();
  using gate = new Gate();
  const request = new Request("http://a.test/check?length=5000000", {
    method: "POST",
    body: new Blob([pattern(5_000_000)]).stream(),
  });
  const response = await pool.execute("handle", [request, gate.key]);
  assertEquals(await response.json(), true);
});

poolTest("a body that a job does not read is cancelled", async () => {
  await using pool = makePool();
  const source = new Source(() => new Uint8Array(1_000));
  const body = source.stream as ReadableStream<Uint8Array>;
  const request = new Request(URL_A, { method: "POST", body });
  assertEquals(
    await pool.execute((request: Request) => request.method, [request]),
    "POST",
  );
  assertInstanceOf(await source.cancelled, Error);
});

poolTest("a body that fails fails in the job", async () => {
  await using pool = makePool();
  const body = new ReadableStream({
    pull: (controller) => controller.error(new RangeError("broken")),
  });
  const request = new Request(URL_A, { method: "POST", body });
  await assertRejects(
    () => pool.execute("seeRequest", [request]),
    RangeError,
    "broken",
  );
});

poolTest("a request's signal follows that of the caller", async () => {
  await using pool = makePool();
  using gate = new Gate();
  const controller = new AbortController();
  const request = new Request(URL_A, controller);
  const result = pool.execute("whyAborted", [request, gate.key]);
  await gate.arrived();
  controller.abort(new RangeError("not wanted"));
  assertEquals(await result, "RangeError RangeError: not wanted");
});

poolTest("a request's signal is one, and no other job's", async () => {
  await using pool = makePool();
  const isQuiet = (request: Request) =>
    request.signal === request.signal &&
    request.signal instanceof AbortSignal && !request.signal.aborted;
  const controller = new AbortController();
  const first = new Request(URL_A, controller);
  assert(await pool.execute(isQuiet, [first]));
  controller.abort();
  assert(await pool.execute(isQuiet, [new Request(URL_A)]));
});

poolTest("a request comes out of a job", async () => {
  await using pool = makePool();
  const request = await pool.execute("giveRequest", [URL_A, "body"]);
  assertInstanceOf(request, Request);
  assertEquals([request.method, request.url], ["PUT", URL_A]);
  assertEquals(request.headers.get("x-a"), "1");
  assertEquals(await request.text(), "body");
});

poolTest("a response goes into a job as what it is", async () => {
  await using pool = makePool();
  const init = { status: 201, statusText: "Made", headers: { "x-a": "1" } };
  const seen = await pool.execute("seeResponse", [new Response("body", init)]);
  assertEquals(seen, {
    isResponse: true,
    status: 201,
    statusText: "Made",
    ok: true,
    url: "",
    type: "default",
    headers: [["content-type", "text/plain;charset=UTF-8"], ["x-a", "1"]],
    body: "body",
  });
});

poolTest("a response comes out of a job as what it is", async () => {
  await using pool = makePool();
  const headers: [string, string][] = [
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2"],
    ["x-a", "1"],
  ];
  const init = { status: 418, statusText: "Teapot", headers };
  const response = await pool.execute("give", ["short", init]);
  assertInstanceOf(response, Response);
  assertEquals([response.status, response.statusText], [418, "Teapot"]);
  assertEquals(response.headers.getSetCookie(), ["a=1", "b=2"]);
  assertEquals(response.headers.get("x-a"), "1");
  assertEquals(await response.text(), "short");

  const json = await pool.execute("giveJson", [{ a: [1, "ü"] }]);
  assertEquals(json.headers.get("content-type"), "application/json");
  assertEquals(await json.json(), { a: [1, "ü"] });
});

poolTest("a response without a body has none where it arrives", async () => {
  await using pool = makePool();
  for (const status of [200, 204, 205, 304, 500]) {
    const response = await pool.execute("give", [null, { status }]);
    assertEquals([response.status, response.body], [status, null]);
    const seen = await pool.execute("seeResponse", [response]);
    assertEquals((seen as { body: unknown }).body, null);
  }
  const empty = await pool.execute("give", [""]);
  assertEquals(await empty.text(), "");
});

poolTest("redirects and errors arrive as such", async () => {
  await using pool = makePool();
  const redirect = await pool.execute("giveRedirect", ["http://b.test/", 308]);
  assertEquals(redirect.status, 308);
  assertEquals(redirect.headers.get("location"), "http://b.test/");
  const error = await pool.execute("giveError");
  assertEquals([error.type, error.status, error.body], ["error", 0, null]);
});

poolTest("a response passes through a job", async () => {
  await using pool = makePool();
  const body = new Blob([pattern(2_000_000)]);
  const passed = await pool.execute("pass", [new Response(body)]);
  assertEquals(passed.headers.get("x-passed"), "1");
  assert(sameBytes(await passed.bytes(), pattern(2_000_000)));
});

poolTest("responses move as members of a result", async () => {
  await using pool = makePool();
  const { first, rest } = await pool.execute("giveMembers");
  assertEquals([await first.text(), await rest[0].text()], ["a", "b"]);
});

poolTest("a response that a job has used already is refused", async () => {
  await using pool = makePool();
  const error = await assertRejects(
    () => pool.execute("giveUsed"),
    JobCloneError,
    "locked or already used",
  );
  assertStringIncludes(error.message, '"giveUsed"');
});

poolTest("a body is read here in pieces, or cancelled", async () => {
  await using pool = makePool();
  using gate = new Gate();
  const large = new Request("http://a.test/large?length=300000");
  const response = await pool.execute("handle", [large, gate.key]);
  assert(sameBytes(await bytesIn(response.body!), pattern(300_000)));

  const endless = new Request("http://a.test/endless");
  const other = await pool.execute("handle", [endless, gate.key]);
  await other.body!.cancel();
  await gate.arrived();
});

poolTest("the body of a form is a form, in and out", async () => {
  await using pool = makePool();
  const form = new FormData();
  form.append("a", "1");
  form.append("a", "2");
  form.append("file", new File(["text"], "ü.txt", { type: "text/plain" }));
  const fields = ["a=1", "a=2", "file: ü.txt text/plain text"];
  const request = new Request(URL_A, { method: "POST", body: form });
  assertEquals(await pool.execute("seeForm", [request]), fields);
  assertEquals(await pool.execute("seeForm", [new Response(form)]), fields);

  const given = await (await pool.execute("giveForm")).formData();
  assertEquals(given.get("name"), "grüße");
  assertEquals(await (given.get("file") as File).text(), "text");
});
