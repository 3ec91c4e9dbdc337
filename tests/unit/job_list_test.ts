// Tests lists of jobs: a list is read as it was written, whole or one job at a time.
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { JobListReader, JobListWriter } from "../../src/wire/job_list.ts";

/** A job that was read. */
interface ReadJob {
  seq: number;
  id: number;
  fn: number;
  args: unknown[];
  timeout: number;
  trace?: string;
  isAside: boolean;
}

const JOB = fc.record({
  id: fc.nat(),
  fn: fc.nat(9),
  args: fc.array(fc.oneof(fc.integer(), fc.string(), fc.constant(null))),
  isText: fc.boolean(),
  /** Difference to the previous job's sequence number. */
  step: fc.constantFrom(1, 1, 1, 7),
  timeout: fc.constantFrom(Infinity, Infinity, 50, 70),
  trace: fc.constantFrom(undefined, undefined, "a", '{"b":"c"}'),
  isAside: fc.constantFrom(false, false, true),
});

const JOBS = fc.array(JOB).map((jobs) => {
  let seq = -1;
  return jobs.map((job) => ({ ...job, seq: seq += job.step }));
});

function write(jobs: (ReadJob & { isText: boolean })[]): JobListWriter {
  const writer = new JobListWriter();
  for (const { id, fn, args, isText, seq, timeout, trace, isAside } of jobs) {
    const sent = isText ? JSON.stringify(args) : args;
    const job = { id, fn: { id: fn }, args: sent, seq, timeout, trace };
    writer.write(job, isAside);
  }
  return writer;
}

function readAll(list: unknown[]): ReadJob[] {
  const reader = new JobListReader(list);
  const jobs: ReadJob[] = [];
  while (reader.read()) {
    const { seq, id, functionId: fn, args, timeout, trace, isAside } = reader;
    jobs.push({ seq, id, fn, args, timeout, trace, isAside });
  }
  return jobs;
}

function plain(jobs: ReadJob[]): ReadJob[] {
  return jobs.map(({ seq, id, fn, args, timeout, trace, isAside }) => {
    return { seq, id, fn, args, timeout, trace, isAside };
  });
}

Deno.test("JobListReader reads the jobs that JobListWriter has written", () => {
  fc.assert(fc.property(JOBS, (jobs) => {
    const { list, shortestTimeout } = write(jobs);
    assertEquals(readAll(structuredClone(list)), plain(jobs));
    assertEquals(
      shortestTimeout,
      Math.min(Infinity, ...jobs.map(({ timeout }) => timeout)),
    );
  }));
});

Deno.test("JobListReader.single and singleAsText() return a list of one job", () => {
  fc.assert(fc.property(JOBS, (jobs) => {
    const reader = new JobListReader(write(jobs).list);
    for (const job of jobs) {
      assert(reader.read());
      assertEquals(
        reader.text,
        job.isText ? JSON.stringify(job.args) : undefined,
      );
      assertEquals(readAll(reader.single), plain([job]));
      const text = reader.singleAsText(JSON.stringify(job.args));
      assertEquals(readAll(JSON.parse(text)), plain([job]));
    }
    assert(!reader.read());
  }));
});

Deno.test("JobListWriter writes repeated values only once", () => {
  const job = { isText: false, isAside: false, args: [], fn: 3, timeout: 50 };
  const { list } = write([
    { ...job, seq: 7, id: 1 },
    { ...job, seq: 8, id: 2 },
    { ...job, seq: 10, id: 3, timeout: Infinity },
    { ...job, seq: 11, id: 4, timeout: Infinity, trace: "a" },
    { ...job, seq: 12, id: 5, timeout: Infinity, trace: "a" },
    { ...job, seq: 13, id: 6, timeout: Infinity },
  ]);
  assertEquals(list, [
    ...[-1, 7, -2, 50, 1, 3, 0],
    ...[2, 3, 0],
    ...[-1, 10, -2, Infinity, 3, 3, 0],
    ...[-3, "a", 4, 3, 0],
    ...[5, 3, 0],
    ...[-3, "", 6, 3, 0],
  ]);
});

Deno.test("JobListReader.args is a new list at each access", () => {
  const { list } = write([
    {
      seq: 0,
      id: 1,
      fn: 1,
      args: [1],
      isText: false,
      isAside: false,
      timeout: Infinity,
    },
  ]);
  const reader = new JobListReader(list);
  assert(reader.read());
  reader.args.push(2);
  assertEquals(reader.args, [1]);
  assert(!reader.read());
});
