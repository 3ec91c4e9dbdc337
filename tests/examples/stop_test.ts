// The example that stops endless loops, as its header says to run it.
import { assertEquals } from "@std/assert";
import { isLacking } from "../live_workers.ts";
import { runExample } from "./example.ts";

Deno.test({
  name: "stop.ts stops each job, and goes on with the others",
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
