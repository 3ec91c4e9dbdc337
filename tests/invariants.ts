// Loaded before every test file: a broken invariant of the dispatcher fails the test
// that runs at that moment.

import { invariants } from "../src/dispatch/invariants.ts";

invariants.onBroken = (what) => {
  throw new Error(`Broken invariant: ${what}`);
};
