// Starts Chromium for a test, if the system has it.
import { type Browser, chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** Path of the first Chromium found, if any. */
export const CHROMIUM = NAMES.flatMap((name) =>
  (Deno.env.get("PATH") ?? "").split(":").map((folder) => `${folder}/${name}`)
).find(isFile);

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false; // not found, or not accessible
  }
}

/** Starts Chromium without a window. Disposing the browser ends it. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox"], // root cannot use the sandbox
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
}
