// Tests requests that are sent as text: how they follow the signal of the original.
import { assert, assertEquals, assertFalse } from "@std/assert";
import { bareMaker } from "../../src/moving/bare_request.ts";
import { RequestArrival, takeRequest } from "../../src/moving/request_text.ts";
import { joinLinks, settled } from "./links.ts";

/** Undefined if this Deno stores requests in another way; they then move like other values. */
const makeBare = bareMaker();
const ignore = makeBare === undefined;

/** Makes a request like those of `Deno.serve`, and its client. */
function serve() {
  let leave: (() => void) | undefined;
  const request = makeBare!([1, "GET", "http://a/", "x-a", "1"], {
    asked: (abort) => leave = abort,
  });
  return {
    request,
    leave: () => leave?.(),
    isWatched: () => leave !== undefined,
  };
}

function take(request: Request) {
  const { text, cargo } = takeRequest([{ a: 1 }, request], 1)!;
  const arrive = ({ main, worker }: ReturnType<typeof joinLinks>) => {
    const id = cargo.send(main);
    assert(typeof id === "number");
    const args = JSON.parse(text);
    const arrival = new RequestArrival(args, id, worker);
    return { arrival, args, moved: args[1] as Request };
  };
  return { cargo, arrive };
}

Deno.test("bareMaker() supports this version of Deno", {
  ignore: Deno.version.deno.startsWith("2.8."),
}, () => assertFalse(ignore));

Deno.test("a request's client is watched once its signal is used", {
  ignore,
}, async () => {
  const links = joinLinks();
  const { request, leave, isWatched } = serve();
  const { cargo, arrive } = take(request);
  const { args, moved, arrival } = arrive(links);
  assertEquals([args.length, args[0], moved.url], [2, { a: 1 }, "http://a/"]);
  await settled();
  assertFalse(isWatched());
  assertEquals(links.posted, []);

  assertFalse(moved.signal.aborted);
  await settled();
  assert(isWatched());
  leave();
  await settled();
  assertEquals(moved.signal.reason.name, "AbortError");
  arrival.end();
  cargo.close(undefined);
  assertFalse(links.main.isUsed);
  assertFalse(links.worker.isUsed);
});

Deno.test("a request that was taken back can follow its client again", {
  ignore,
}, async () => {
  const [first, second] = [joinLinks(), joinLinks()];
  const { request, leave } = serve();
  const { cargo, arrive } = take(request);
  arrive(first);
  cargo.takeBack();
  assertFalse(first.main.isUsed);
  const { moved } = arrive(second);
  assertFalse(moved.signal.aborted);
  await settled();
  leave();
  await settled();
  assert(moved.signal.aborted);
  assertFalse(first.worker.isUsed);
});

Deno.test("a request arrives aborted after its client left", { ignore }, () => {
  const links = joinLinks();
  const { request, leave } = serve();
  const { arrive } = take(request);
  assertFalse(request.signal.aborted);
  leave();
  const { moved } = arrive(links);
  assert(moved.signal.aborted);
  assertFalse(links.main.isUsed);
});

Deno.test("a request whose job has ended does not follow its client", {
  ignore,
}, async () => {
  const links = joinLinks();
  const { request, leave } = serve();
  const { cargo, arrive } = take(request);
  const { moved, arrival } = arrive(links);
  const { signal } = moved.clone();
  await settled();
  arrival.end();
  cargo.whenClosed(() => {});
  leave();
  await settled();
  assertFalse(signal.aborted);
  assertFalse(moved.clone().signal.aborted);
  assertFalse(links.worker.isUsed);
});

Deno.test("a request without a client opens no channel", { ignore }, () => {
  const links = joinLinks();
  const headers = { "x-a": "1" };
  const { moved } = take(new Request("http://a/", { headers })).arrive(links);
  assertFalse(links.main.isUsed);
  assertFalse(moved.signal.aborted);
  moved.headers.set("x-a", "2");
  assertEquals(moved.clone().headers.get("x-a"), "2");
});

Deno.test("takeRequest() refuses requests with a body, signal or other options, and other values", () => {
  const url = "http://a/";
  for (
    const request of [
      new Request(url, { method: "POST", body: "a" }),
      new Request(url, new AbortController()),
      new Request(url, { redirect: "manual" }),
    ]
  ) {
    assertEquals(takeRequest([request], 0), undefined);
  }
  assertEquals(takeRequest([new Request(url), new Map()], 0), undefined);
});
