// The jobs that have left their worker, while what they wrote to their
// connections is written out.

import type { ConnectionHost } from "./connection_host.ts";
import type { Flight, Job } from "./job.ts";

/** Where a job is between its handler's end and its connections' end. */
export class Finishing implements Flight {
  readonly #hosts = new Map<Job, ConnectionHost[]>();

  /** Resolves when the connections are closed. */
  async finish(job: Job, hosts: ConnectionHost[]): Promise<void> {
    job.flight = this;
    this.#hosts.set(job, hosts);
    await Promise.all(hosts.map((host) => host.finish()));
    this.#hosts.delete(job);
    job.flight = undefined;
  }

  /** It has run: nobody can take it back. */
  takeBack(): boolean {
    return false;
  }

  /** Closes the connections, whatever is still to be written. */
  abort(job: Job): void {
    for (const host of this.#hosts.get(job) ?? []) host.close();
  }

  /** Closes all connections and gives the jobs. */
  stop(): Job[] {
    const jobs = [...this.#hosts.keys()];
    for (const job of jobs) this.abort(job);
    return jobs;
  }
}
