// Loaded before every test file: what can never be in the dispatcher fails the
// test in which it is.

import { invariants } from "../src/dispatch/invariants.ts";

invariants.onBroken = (what) => {
  throw new Error(`Broken invariant: ${what}`);
};
