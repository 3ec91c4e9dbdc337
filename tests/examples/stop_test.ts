// Tests the example that stops endless loops, by the command in its header.
import { assertEquals } from "@std/assert";
import { isLacking } from "../live_workers.ts";
import { runExample } from "./example.ts";

Deno.test({
  name: "stop.ts stops each job, and continues with the next",
  ignore: isLacking("hardKill"),
  fn: async () => {
    assertEquals(await runExample("stop.ts"), [
      'Job "loop" executed for longer than its timeout of 300 ms',
      "the client has left",
      "TimeoutError",
      "100000000 counted meanwhile",
      'Job "loopLater" executed for longer than its timeout of 300 ms',
      "a new worker",
    ]);
  },
});
