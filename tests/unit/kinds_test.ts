import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { pack } from "../../src/values/pack.ts";
import { Arrivals } from "../../src/moving/arrivals.ts";
import { Departures } from "../../src/moving/departures.ts";
import type { Connect } from "../../src/moving/kind.ts";
import { MOVERS } from "../../src/moving/kinds.ts";
import { isLacking } from "../live_workers.ts";
import { joinLinks, settled } from "./links.ts";

Deno.test.afterEach(settled);

const noConnections: Connect = () => {
  throw new Error("Not here");
};

/** Moves a value from main to a worker, in the same way as an argument of a job. */
async function move<T>(value: T, connect: Connect | undefined = noConnections) {
  const { main, worker } = joinLinks();
  const packed = pack(value, "value", { movers: MOVERS });
  const departures = new Departures(packed.departing, connect);
  const arrivals = new Arrivals();
  const moved = departures.send(main);
  // In one message, so placeholders keep their identity.
  const message = structuredClone({ value: packed.value, moved });
  const arrived = arrivals.revive(message.value, message.moved, worker) as T;
  await settled();
  return { arrived, departures, arrivals, main, worker };
}

/** Resolves when all moved values are closed. */
function closed(moving: Departures | Arrivals): Promise<void> {
  return new Promise((resolve) => moving.whenClosed(resolve));
}

function refused(value: unknown, message: string): void {
  assertThrows(
    () => pack(value, "value", { movers: MOVERS }),
    Error,
    message,
  );
}

Deno.test("readable: chunks arrive, then the end", async () => {
  const chunks = ["text", new Uint8Array(20_000).fill(7), { a: 1 }, 5];
  const { arrived, departures, arrivals } = await move(
    ReadableStream.from<unknown>(chunks),
  );
  assertEquals(await Array.fromAsync(arrived), [
    "text",
    new Uint8Array(20_000).fill(7),
    { a: 1 },
    5,
  ]);
  await Promise.all([closed(departures), closed(arrivals)]);
  assertFalse(departures.isOpen || arrivals.isOpen);
});

Deno.test("readable: a byte stream stays a byte stream, and errors and cancels arrive", async () => {
  const reasons: unknown[] = [];
  const bytes = new ReadableStream({
    type: "bytes",
    start: (controller) => controller.enqueue(new Uint8Array([1, 2, 3])),
    cancel: (reason) => void reasons.push(String(reason)),
  });
  const { arrived } = await move(bytes);
  const reader = arrived.getReader({ mode: "byob" });
  const { value } = await reader.read(new Uint8Array(2));
  assertEquals(value, new Uint8Array([1, 2]));
  await reader.cancel(new Error("enough"));
  await settled();
  assertEquals(reasons, ["Error: enough"]);

  const failing = new ReadableStream({
    pull: (controller) => controller.error(new RangeError("broken")),
  });
  const second = await move(failing);
  await assertRejects(
    () => Array.fromAsync(second.arrived),
    RangeError,
    "broken",
  );
});

Deno.test("readable: Arrivals.end() cancels an unread stream", async () => {
  let reason: unknown;
  const { arrivals, departures } = await move(
    new ReadableStream({ cancel: (why) => void (reason = why) }),
  );
  arrivals.end();
  await closed(departures);
  assertEquals((reason as Error).message, "The job has ended");
});

Deno.test("writable: written chunks arrive before close() resolves", async () => {
  const written: unknown[] = [];
  const { arrived, departures } = await move(
    new WritableStream({
      write: (chunk) => void written.push(chunk),
      close: () => void written.push("closed"),
    }),
  );
  const writer = arrived.getWriter();
  writer.write("a");
  writer.write(new Uint8Array([1]));
  await writer.close();
  assertEquals(written, ["a", new Uint8Array([1]), "closed"]);
  await closed(departures);
});

Deno.test("writable: Arrivals.end() aborts it after a failure, and otherwise closes it", async () => {
  for (const failure of [undefined, { thrown: new Error("failed") }]) {
    const ends: unknown[] = [];
    const { arrivals, departures } = await move(
      new WritableStream({
        close: () => void ends.push("closed"),
        abort: (reason) => void ends.push(String(reason)),
      }),
    );
    arrivals.end(failure);
    await closed(departures);
    assertEquals(ends, [failure ? "Error: failed" : "closed"]);
  }
});

Deno.test("writable: an errored stream arrives errored", async () => {
  const failed = new WritableStream({
    start: (controller) => controller.error(new Error("broken")),
  });
  await settled();
  const { arrived } = await move(failed);
  await assertRejects(() => arrived.getWriter().closed, Error, "broken");
});

Deno.test("transform: chunks are transformed in the original thread, and come back", async () => {
  const upper = new TransformStream<string, string>({
    transform: (text, controller) => controller.enqueue(text.toUpperCase()),
  });
  const { arrived, arrivals, departures } = await move(upper);
  assertInstanceOf(arrived, TransformStream);
  const writer = arrived.writable.getWriter();
  writer.write("a");
  writer.close();
  assertEquals(await Array.fromAsync(arrived.readable), ["A"]);
  await Promise.all([closed(departures), closed(arrivals)]);
});

Deno.test("signal: aborts after its original, or arrives aborted", async () => {
  const controller = new AbortController();
  const { arrived, departures } = await move(controller.signal);
  assertFalse(arrived.aborted || departures.isOpen);
  controller.abort(new RangeError("late"));
  await settled();
  assert(arrived.aborted);
  assertEquals((arrived.reason as Error).name, "RangeError");
  const { arrived: fired } = await move(AbortSignal.abort("reason"));
  assertEquals(fired.reason, "reason");
});

Deno.test("signal: Departures.close() stops following it", async () => {
  const controller = new AbortController();
  const { arrived, departures } = await move(controller.signal);
  departures.close(undefined);
  controller.abort();
  await settled();
  assertFalse(arrived.aborted);
});

Deno.test("request: its properties, body and signal arrive", async () => {
  const controller = new AbortController();
  const { arrived } = await move(
    new Request("http://localhost/path?a=1", {
      method: "PUT",
      headers: { "X-Name": "value" },
      body: ReadableStream.from([new Uint8Array([104, 105])]),
      redirect: "manual",
      signal: controller.signal,
    }),
  );
  const { url, method, redirect } = arrived;
  assertEquals([url, method, redirect], [
    "http://localhost/path?a=1",
    "PUT",
    "manual",
  ]);
  assertEquals(arrived.headers.get("x-name"), "value");
  const { signal } = arrived;
  assertEquals(await arrived.text(), "hi");
  await settled();
  controller.abort();
  await settled();
  assert(signal.aborted);
});

Deno.test("response: its properties and body arrive, whole or as a stream", async () => {
  for (const body of ["hi", new Blob(["hi"]).stream()]) {
    const { arrived, departures } = await move(
      new Response(body, {
        status: 404,
        statusText: "Gone",
        headers: [["a", "b"]],
      }),
      undefined,
    );
    const { status, statusText } = arrived;
    assertEquals([status, statusText], [404, "Gone"]);
    assertEquals(arrived.headers.get("a"), "b");
    assertEquals(await arrived.text(), "hi");
    await closed(departures);
  }
});

Deno.test({
  name:
    "value: URL, URLSearchParams, Headers, FormData and ImageData keep their class",
  ignore: isLacking("ImageData"),
  fn: async () => {
    const form = new FormData();
    form.append("name", "value");
    const { arrived } = await move([
      new URL("http://localhost/a"),
      new URLSearchParams("a=1&a=2"),
      new Headers([["a", "b"]]),
      form,
      new ImageData(2, 1),
    ]);
    const [url, search, headers, data, image] = arrived as [
      URL,
      URLSearchParams,
      Headers,
      FormData,
      ImageData,
    ];
    assertInstanceOf(url, URL);
    assertEquals(url.href, "http://localhost/a");
    assertInstanceOf(search, URLSearchParams);
    assertEquals(String(search), "a=1&a=2");
    assertInstanceOf(headers, Headers);
    assertEquals([...headers], [["a", "b"]]);
    assertInstanceOf(data, FormData);
    assertEquals([...data], [["name", "value"]]);
    assertInstanceOf(image, ImageData);
    assertEquals([image.width, image.height, image.data.length], [2, 1, 8]);
  },
});

Deno.test("Arrivals.revive() finds placeholders at any depth, and revives each once", async () => {
  const url = new URL("http://localhost/");
  const { arrived } = await move({
    list: [url, { url }],
    map: new Map<unknown, unknown>([[url, 1], ["key", url]]),
    set: new Set([url]),
  });
  const [first, { url: second }] = arrived.list as [URL, { url: URL }];
  const keys = [...arrived.map.keys()];
  const all = [first, second, keys[0], arrived.map.get("key"), ...arrived.set];
  assert(all.every((one) => one === first));
  assertInstanceOf(first, URL);
});

Deno.test("pack() refuses to move streams and bodies that are locked, used or named twice", () => {
  const locked = new ReadableStream();
  locked.getReader();
  refused(locked, "is locked");
  const transform = new TransformStream();
  transform.writable.getWriter();
  refused(transform, "is locked");
  const used = new Response("text");
  used.text();
  refused(used, "has a body that is locked or already used");
  const { readable, writable } = new TransformStream();
  refused([readable, new Response(readable)], "same stream");
  writable.getWriter();
  refused([writable], "is locked");
});

Deno.test("Departures.takeBack() lets a value be sent to another worker", async () => {
  const { main, worker } = joinLinks();
  const packed = pack(
    [ReadableStream.from(["a", "b"]), new AbortController().signal],
    "value",
    { movers: MOVERS },
  );
  const departures = new Departures(packed.departing, noConnections);
  departures.send(main);
  departures.takeBack();
  assertFalse(main.isUsed);
  const other = joinLinks();
  const message = structuredClone({
    value: packed.value,
    moved: departures.send(other.main),
  });
  const [stream] = new Arrivals()
    .revive(message.value, message.moved, other.worker) as [ReadableStream];
  assertEquals(await Array.fromAsync(stream), ["a", "b"]);
  await settled();
  worker.fail(new Error("gone"));
});
