// Tests examples/cluster: consumer processes share a queue, and its jobs can be
// cancelled, lost, given back, or left by a consumer that was killed.
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { deadline } from "@std/async";
import {
  cancel,
  connect,
  openEvents,
  openQueue,
  QUEUE,
} from "../../examples/cluster/queue.ts";
import { Example, type ExampleOptions, runExample } from "./example.ts";
import { hasRedis, RedisServer } from "./redis.ts";

/** Time in ms after which an expected event counts as missing. */
const LATE = 60_000;
/** Time in ms longer than any test: no lock expires, and none is checked. */
const NEVER = `${10 * 60_000}`;

// A missing redis-server is an error in CI on Linux only.
const mustRun = Deno.build.os === "linux" && Deno.env.has("CI");
const canRun = hasRedis() || mustRun;

function test(name: string, fn: Deno.TestDefinition["fn"]): void {
  const why = canRun ? "" : " (ignored: there is no redis-server)";
  Deno.test({ name: name + why, ignore: !canRun, fn });
}

/** Tests that wait for a lock to expire, which run in parallel. */
const slow = new Map<string, () => Promise<void>>();
function inParallel(name: string, fn: () => Promise<void>): void {
  slow.set(name, fn);
}

type Redis = ReturnType<typeof connect>;
type Queue = ReturnType<typeof openQueue>;
type QueueEvents = Awaited<ReturnType<typeof openEvents>>;
type Job = Awaited<ReturnType<Queue["add"]>>;
type JobOptions = Parameters<Queue["add"]>[2];

/** A job that has started, and waits for the test's answer. */
interface Start {
  name: string;
  pid: number;
  answer: (text: string) => void;
}

/** Server that the jobs of `fixtures/cluster_jobs.ts` ask what to do. */
class Gate implements AsyncDisposable {
  readonly #starts: Start[] = [];
  readonly #unanswered = new Set<(text: string) => void>();
  #arrival = Promise.withResolvers<void>();
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { searchParams } = new URL(request.url);
      const { promise, resolve } = Promise.withResolvers<string>();
      this.#starts.push({
        name: searchParams.get("name")!,
        pid: Number(searchParams.get("pid")),
        answer: resolve,
      });
      this.#arrival.resolve();
      this.#arrival = Promise.withResolvers();
      this.#unanswered.add(resolve);
      return new Response(await promise);
    },
  );

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  /** Resolves at the next start of a job. */
  async start(name: string): Promise<Start> {
    const late = Date.now() + LATE;
    for (;;) {
      const i = this.#starts.findIndex((start) => start.name === name);
      if (i >= 0) return this.#starts.splice(i, 1)[0];
      await deadline(this.#arrival.promise, late - Date.now());
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const answer of this.#unanswered) answer("the test has ended");
    await this.#server.shutdown();
  }
}

/** A Redis server with a queue, and its consumers. */
class Cluster implements AsyncDisposable {
  readonly gate = new Gate();
  readonly consumers: Example[] = [];

  private constructor(
    readonly redis: RedisServer,
    readonly connection: Redis,
    readonly queue: Queue,
    readonly events: QueueEvents,
  ) {}

  /** Starts Redis, and a consumer for each list of arguments. */
  static async start(...consumers: string[][]): Promise<Cluster> {
    const redis = await RedisServer.start();
    const connection = connect(redis.url);
    const events = await openEvents(connection);
    const queue = openQueue(connection);
    const cluster = new Cluster(redis, connection, queue, events);
    await Promise.all(consumers.map((args) => cluster.startConsumer(...args)));
    return cluster;
  }

  async startConsumer(...args: string[]): Promise<Example> {
    const options: ExampleOptions = {
      args: [
        ...["--redis", this.redis.url],
        ...["--module", "tests/fixtures/cluster_jobs.ts"],
        ...["--size", "1"],
        // Even on a busy machine, handlers are notified of an abort in this time.
        ...["--abort-grace", "30000"],
        ...["--lock-duration", NEVER],
        ...["--stalled-interval", NEVER],
        ...args,
      ],
    };
    const consumer = await Example.start("cluster/consumer.ts", options);
    this.consumers.push(consumer);
    await consumer.match(/takes jobs/);
    return consumer;
  }

  /** Adds a job that asks the gate. */
  async ask(name: string, options: JobOptions = {}): Promise<Job> {
    const data = { name, url: this.gate.url };
    return await this.queue.add("ask", data, { attempts: 3, ...options });
  }

  /** Returns the result of a job, or its error message. */
  async endOf(job: Job): Promise<unknown> {
    try {
      return await deadline(job.waitUntilFinished(this.events), LATE);
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** Returns the job as stored in Redis. */
  async stateOf(job: Job): Promise<Job> {
    return await this.queue.getJob(job.id!) as Job;
  }

  /** Returns the consumer with this process id, and the other consumer. */
  split(pid: number): [Example, Example] {
    const [a, b] = this.consumers;
    return a.pid === pid ? [a, b] : [b, a];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.consumers.map((one) => one[Symbol.asyncDispose]()));
    await this.gate[Symbol.asyncDispose]();
    await this.events.close();
    await this.queue.close();
    await this.connection.quit();
    await this.redis[Symbol.asyncDispose]();
  }
}

test("a job's progress and result reach the queue, and a failed job is retried", async () => {
  await using cluster = await Cluster.start([]);
  const { gate } = cluster;
  const progress: unknown[] = [];
  cluster.events.on("progress", ({ data }) => progress.push(data));

  const wait = 300;
  const backoff = { type: "fixed", delay: wait };
  const flaky = await cluster.ask("flaky", { backoff });
  (await gate.start("flaky")).answer("throw");
  const thrown = Date.now();
  const second = await gate.start("flaky");
  assert(Date.now() - thrown >= wait - 50);
  second.answer("crash"); // Deno.exit() ends only the worker
  const third = await gate.start("flaky");
  third.answer("report");
  const fourth = await gate.start("flaky");
  assertEquals(fourth.pid, cluster.consumers[0].pid);
  fourth.answer("at last");
  assertEquals(await cluster.endOf(flaky), "at last");
  assertEquals(progress, [0.5]);

  const { attemptsMade, stacktrace } = await cluster.stateOf(flaky);
  assertEquals(attemptsMade, 3);
  assertEquals(stacktrace!.length, 2);
  // The stack is from the handler's thread.
  assertMatch(
    stacktrace![0],
    /^RangeError: no luck\n +at ask .*cluster_jobs\.ts/,
  );
  assertMatch(stacktrace![1], /^WorkerCrashedError: /);
});

test("a job that a retry cannot help fails at once, with a clear error", async () => {
  await using cluster = await Cluster.start([]);
  const options = { attempts: 3 };
  const missing = await cluster.queue.add("missing", {}, options);
  const unclonable = await cluster.ask("unclonable");
  (await cluster.gate.start("unclonable")).answer("return a function");
  for (
    const [job, message, name] of [
      [missing, "missing", "JobNotFoundError"],
      [unclonable, "a function", "JobCloneError"],
    ] as const
  ) {
    assertStringIncludes(String(await cluster.endOf(job)), message);
    const { attemptsMade, stacktrace } = await cluster.stateOf(job);
    assertEquals(attemptsMade, 1);
    assertMatch(stacktrace![0], new RegExp(`^${name}: `));
  }
});

test("a job can be cancelled while it waits, while it runs, and between two attempts", async () => {
  await using cluster = await Cluster.start([]);
  const { queue, connection, gate } = cluster;
  const running = await cluster.ask("running");
  await gate.start("running");
  const waiting = await cluster.ask("waiting");

  await cancel(queue, connection, waiting.id!);
  assertEquals(await queue.getJob(waiting.id!), undefined);
  await cancel(queue, connection, running.id!);
  assertEquals(await cluster.endOf(running), "cancelled");
  assertEquals((await cluster.stateOf(running)).attemptsMade, 1);
  await cluster.consumers[0].match(/running hears: cancelled/);

  // If only the note of the cancellation is left, the job sees it when it starts.
  const noted = await cluster.ask("noted", { delay: 200 });
  await cancel(
    { remove: () => Promise.resolve(0) } as unknown as Queue,
    connection,
    noted.id!,
  );
  assertEquals(await cluster.endOf(noted), "cancelled");

  const again = await cluster.ask("again", { backoff: 10 * 60_000 });
  const failed = new Promise((resolve) =>
    cluster.events.once("delayed", resolve)
  );
  (await gate.start("again")).answer("throw");
  await failed;
  await cancel(queue, connection, again.id!);
  assertEquals(await queue.getJob(again.id!), undefined);
  assertEquals(await queue.getJobCounts("waiting", "active", "delayed"), {
    waiting: 0,
    active: 0,
    delayed: 0,
  });
});

test("a job that ignores its signal can be cancelled, and its place becomes free", async () => {
  await using cluster = await Cluster.start(["--abort-grace", "50"]);
  const spin = await cluster.queue.add("spin", { name: "one" });
  await cluster.consumers[0].match(/one spins/);
  await cancel(cluster.queue, cluster.connection, spin.id!);
  assertEquals(await cluster.endOf(spin), "cancelled");
  const next = await cluster.ask("next");
  (await cluster.gate.start("next")).answer("done");
  assertEquals(await cluster.endOf(next), "done");
});

/** A lock that even a busy machine renews in time. */
const SHORT_LOCK = ["--lock-duration", "10000", "--stalled-interval", "1000"];

inParallel(
  "a job that loses its lock is aborted, and starts again",
  async () => {
    await using cluster = await Cluster.start(SHORT_LOCK, SHORT_LOCK);
    const job = await cluster.ask("job");
    const first = await cluster.gate.start("job");
    const [loser] = cluster.split(first.pid);
    await cluster.connection.del(`bull:${QUEUE}:${job.id}:lock`);
    const second = await cluster.gate.start("job");
    await loser.match(/job hears: lock lost/);
    second.answer("done");
    assertEquals(await cluster.endOf(job), "done");
    // The first run has changed nothing.
    assertEquals((await cluster.stateOf(job)).attemptsMade, 1);
  },
);

inParallel(
  "a job that comes again to the consumer that runs it is aborted there",
  async () => {
    await using cluster = await Cluster.start([...SHORT_LOCK, "--size", "2"]);
    const job = await cluster.ask("job");
    await cluster.gate.start("job");
    await cluster.connection.del(`bull:${QUEUE}:${job.id}:lock`);
    const second = await cluster.gate.start("job");
    await cluster.consumers[0].match(/job hears: lock lost/);
    second.answer("done");
    assertEquals(await cluster.endOf(job), "done");
  },
);

inParallel(
  "a consumer aborts its job if Redis does not answer",
  async () => {
    await using cluster = await Cluster.start(SHORT_LOCK);
    const job = await cluster.ask("job");
    await cluster.gate.start("job");
    cluster.redis.kill("SIGSTOP");
    await cluster.consumers[0].match(/job hears: lock lost/);
    cluster.redis.kill("SIGCONT");
    (await cluster.gate.start("job")).answer("done");
    assertEquals(await cluster.endOf(job), "done");
  },
);

test("SIGTERM finishes jobs that end in time, and takes no new jobs", async () => {
  await using cluster = await Cluster.start(["--grace", NEVER], [
    "--grace",
    NEVER,
  ]);
  const job = await cluster.ask("job");
  const { pid, answer } = await cluster.gate.start("job");
  const [leaver, other] = cluster.split(pid);
  leaver.kill("SIGTERM");
  await leaver.match(/Shutting down/);
  const next = await cluster.ask("next");
  const nextStart = await cluster.gate.start("next");
  assertEquals(nextStart.pid, other.pid);
  const last = await cluster.ask("last"); // waits, although the leaver has room soon
  answer("in time");
  assertEquals(await cluster.endOf(job), "in time");
  assertEquals(await leaver.code(), 0);
  nextStart.answer("done");
  const lastStart = await cluster.gate.start("last");
  assertEquals(lastStart.pid, other.pid);
  lastStart.answer("done");
  assertEquals(await cluster.endOf(next), "done");
  assertEquals(await cluster.endOf(last), "done");
});

test("SIGTERM gives back jobs that take longer, and another consumer starts them at once", async () => {
  const grace = ["--grace", "200"];
  // Locks outlast the test: only a job that is given back starts again.
  await using cluster = await Cluster.start(grace, grace);
  const job = await cluster.ask("job");
  const first = await cluster.gate.start("job");
  const [leaver, other] = cluster.split(first.pid);
  leaver.kill("SIGTERM");
  const second = await cluster.gate.start("job");
  assertEquals(second.pid, other.pid);
  await leaver.match(/job hears: given back/);
  assertEquals(await leaver.code(), 0);
  second.answer("done");
  assertEquals(await cluster.endOf(job), "done");
  assertEquals((await cluster.stateOf(job)).attemptsMade, 1);
});

test("a second SIGTERM gives back all jobs at once", async () => {
  await using cluster = await Cluster.start(["--grace", NEVER]);
  const job = await cluster.ask("job");
  await cluster.gate.start("job");
  const [consumer] = cluster.consumers;
  consumer.kill("SIGTERM");
  await consumer.match(/Shutting down/);
  consumer.kill("SIGTERM");
  assertEquals(await consumer.code(), 0);
  assertEquals(await job.getState(), "waiting");
});

inParallel(
  "another consumer does the job of a consumer that was killed",
  async () => {
    await using cluster = await Cluster.start(SHORT_LOCK, SHORT_LOCK);
    const job = await cluster.ask("job");
    const first = await cluster.gate.start("job");
    const [dead, other] = cluster.split(first.pid);
    dead.kill("SIGKILL");
    const second = await cluster.gate.start("job");
    assertEquals(second.pid, other.pid);
    second.answer("done");
    assertEquals(await cluster.endOf(job), "done");
    assertEquals((await cluster.stateOf(job)).attemptsStarted, 2);
  },
);

test("every job is done if a consumer is killed, and the producer prints how many started twice", async () => {
  const real = ["--module", "examples/cluster/jobs.ts", ...SHORT_LOCK];
  await using cluster = await Cluster.start(real, real);
  await using producer = await Example.start("cluster/producer.ts", {
    args: ["--redis", cluster.redis.url, "--jobs", "8", "--to", "5000000"],
  });
  const [dead, other] = cluster.consumers;
  await dead.match(/started/);
  dead.kill("SIGKILL");
  assertEquals(await producer.code(), 0);
  await dead.code();

  // There are 348 513 primes below five million.
  const results = [...producer.output.matchAll(/^(\S+) 348513$/gm)];
  assertEquals(new Set(results.map(([, id]) => id)).size, 8);
  const told = /^8 jobs ended; (\d+) started more than once/m.exec(
    producer.output,
  );
  const starts = (dead.output + other.output).matchAll(/^(\S+) .*: started$/gm);
  const ids = Array.from(starts, ([, id]) => id);
  const twice = ids.filter((id, i) => ids.indexOf(id) < i).length;
  // The killed consumer may have started a job without time to print it.
  assert([twice, twice + 1].includes(Number(told?.[1])), producer.output);
});

test("Ctrl-C in the producer cancels its running and waiting jobs", async () => {
  const real = ["--module", "examples/cluster/jobs.ts"];
  await using cluster = await Cluster.start(real);
  await using producer = await Example.start("cluster/producer.ts", {
    args: [
      "--redis",
      cluster.redis.url,
      "--jobs",
      "3",
      "--to",
      "10000000000",
    ],
  });
  await producer.match(/started/);
  await producer.match(/ \d+ %/);
  producer.kill("SIGINT");
  assertEquals(await producer.code(), 0);
  const ends = producer.output.match(/(cancelled|removed)$/gm)?.sort();
  assertEquals(ends, ["cancelled", "removed", "removed"]);
});

inParallel(
  "a job that outlasts its lock is never done by a BullMQ processor, but is done by the pool",
  async () => {
    await using redis = await RedisServer.start();
    const options = ["--jobs", "2", "--ms", "5000", "--lock", "4000"];
    const ways = ["--way", "processor", "--way", "pool"];
    const lines = await runExample("cluster/compare.ts", {
      args: ["--redis", redis.url, ...options, ...ways],
    });
    const [processor, pool] = ["processor", "pool"].map((way) => {
      const line = lines.find((line) => line.includes(`"${way}"`));
      return line!.match(/\d+/g)!.slice(1).map(Number); // without the index
    });
    const [jobs, starts, completed] = processor;
    assertEquals([jobs, completed], [2, 0]);
    assert(starts > 2);
    assertEquals(pool[2], 2);
  },
);

test("costs.ts measures the cost of a job in Redis", async () => {
  await using redis = await RedisServer.start();
  const lines = await runExample("cluster/costs.ts", {
    args: ["--redis", redis.url, "--jobs", "1000", "--payload", "3000"],
  });
  const added = lines.find((line) => line.includes("added"))!;
  const [bytes, , scripts] = added.match(/[\d.]+/g)!.map(Number);
  assert(bytes > 3_000 && bytes < 10_000, added);
  assertEquals(scripts, 1);
});

test("cluster/consumer.ts over time", async (test) => {
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
