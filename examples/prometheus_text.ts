// Writes the statistics of a pool in the text format of Prometheus.
import type { JobStats, ThreadPool } from "@spindle/thread-pool";

/** Bounds of the histograms, in milliseconds. */
const BOUNDS = [1, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000];

type Sample = [labels: Record<string, unknown>, value: number, suffix?: string];

/** Writes the metrics of a pool that has `statsByName`. */
export function prometheusText(pool: Pick<ThreadPool, "stats">): string {
  // All counts are since the start: Prometheus computes the differences.
  const stats = pool.stats({ buckets: BOUNDS });
  const { byName = [], idle, busy, queued, running, crashed, lost } = stats;
  const workers: Sample[] = [[{ is: "idle" }, idle], [{ is: "busy" }, busy]];
  const jobs = byName.flatMap(({ name: job, ...counts }): Sample[] => [
    [{ job, outcome: "completed" }, counts.completed],
    [{ job, outcome: "failed" }, counts.failed],
    [{ job, outcome: "aborted" }, counts.aborted],
    [{ job, outcome: "timed_out" }, counts.timedOut],
  ]);
  const waits = histograms(byName, "waitTime");
  const runs = histograms(byName, "runTime");
  return [
    family("workers", "gauge", "Workers that are ready", workers),
    family("jobs_queued", "gauge", "Jobs that wait", [[{}, queued]]),
    family("jobs_running", "gauge", "Jobs that run", [[{}, running]]),
    family("threads_lost", "gauge", "Threads left alone", [[{}, lost]]),
    family("crashes_total", "counter", "Workers that died", [[{}, crashed]]),
    family("jobs_total", "counter", "Jobs that have ended", jobs),
    family("wait_seconds", "histogram", "From call to start", waits),
    family("run_seconds", "histogram", "From start to end", runs),
  ].join("");
}

function histograms(byName: JobStats[], key: "waitTime" | "runTime"): Sample[] {
  return byName.flatMap(({ name: job, [key]: { buckets, count, sum } }) => [
    ...BOUNDS.map((ms, i): Sample => {
      return [{ job, le: ms / 1_000 }, buckets![i], "_bucket"];
    }),
    [{ job, le: "+Inf" }, count, "_bucket"] as Sample,
    [{ job }, sum / 1_000, "_sum"] as Sample,
    [{ job }, count, "_count"] as Sample,
  ]);
}

function family(
  name: string,
  type: string,
  help: string,
  samples: Sample[],
): string {
  const lines = samples.map(([labels, value, suffix = ""]) => {
    const pairs = Object.entries(labels).map(([label, text]) => {
      return `${label}="${escape(String(text))}"`;
    });
    return `pool_${name}${suffix}{${pairs}} ${value}\n`;
  });
  const head = `# HELP pool_${name} ${help}\n# TYPE pool_${name} ${type}\n`;
  return head + lines.join("");
}

function escape(text: string): string {
  return text.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n");
}
