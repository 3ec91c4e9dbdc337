// Tests Registry: values are found by number, and listed in insertion order.
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Registry } from "../../src/values/registry.ts";

Deno.test("Registry behaves like a Map", () => {
  const commands = fc.array(
    fc.record({
      number: fc.integer({ min: -4, max: 4 }),
      does: fc.constantFrom("add", "delete", "clear"),
    }),
    { maxLength: 60 },
  );
  fc.assert(fc.property(commands, (commands) => {
    const registry = new Registry<string>();
    const map = new Map<number, string>();
    for (const [i, { number, does }] of commands.entries()) {
      if (does === "clear" && i % 10 === 0) {
        registry.clear();
        map.clear();
      } else if (does === "delete") {
        assertEquals(registry.delete(number), map.delete(number));
      } else {
        registry.set(number, `value ${i}`);
        map.set(number, `value ${i}`);
      }
      assertEquals(registry.size, map.size);
      assertEquals(registry.numbers(), [...map.keys()]);
      assertEquals(registry.values(), [...map.values()]);
      assertEquals(registry.get(number), map.get(number));
    }
  }));
});
