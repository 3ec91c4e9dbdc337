// Stands in for jobs.ts where a test needs a job that takes a minute.

export async function render(): Promise<string> {
  await new Promise((done) => setTimeout(done, 60_000));
  return "late";
}
