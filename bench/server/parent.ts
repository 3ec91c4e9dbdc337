// A measured process's side of the pipes to the process that started it.

/** What this process was told. */
export function setting<Setting>(): Setting {
  return JSON.parse(Deno.args[0]);
}

/** Says something. */
export function tell(message: unknown): void {
  console.log(JSON.stringify(message));
}

/** Says why this process cannot be measured, and ends it. */
export function refuse(error: unknown): never {
  tell({ refused: error instanceof Error ? error.message : String(error) });
  Deno.exit();
}

/** Answers each line with the status; ends with the parent. */
export async function obey(status: () => unknown = () => null): Promise<never> {
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
  for await (const line of lines) if (line.endsWith("\n")) tell(status());
  Deno.exit();
}
