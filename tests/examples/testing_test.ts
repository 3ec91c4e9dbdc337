// Tests the example of tests for code that uses a pool, by the command in its header.
import { assert, assertMatch } from "@std/assert";
import { ROOT } from "./example.ts";

Deno.test("the tests of examples/testing pass", async () => {
  const path = "examples/testing/render_test.ts";
  const text = await Deno.readTextFile(`${ROOT}/${path}`);
  const command = new RegExp(`^// {3}deno (test .+ ${path})$`, "m").exec(text);
  assert(command);
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: command[1].split(" "),
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const output = new TextDecoder().decode(stdout);
  assert(success, output);
  assertMatch(output, /3 passed .* 0 failed/);
});
