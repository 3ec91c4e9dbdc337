import { assert, assertEquals, assertFalse } from "@std/assert";
import { Breaker, Health } from "../../src/dispatch/health.ts";
import { Pace } from "../../src/dispatch/pace.ts";

Deno.test("Breaker.delay() doubles with each failure above the limit, up to ten seconds", () => {
  const breaker = new Breaker(2);
  breaker.add(0);
  assertEquals(breaker.delay(0), 0);
  const delays = Array.from({ length: 9 }, () => {
    breaker.add(0);
    return breaker.delay(0);
  });
  assertEquals(delays, [
    100,
    200,
    400,
    800,
    1_600,
    3_200,
    6_400,
    10_000,
    10_000,
  ]);
  assertEquals(breaker.delay(9_999), 1);
  breaker.reset();
  assertEquals([breaker.delay(0), breaker.count], [0, 0]);
});

function died(health: Health, isReady: boolean, hasBegunAny: boolean, age = 0) {
  return health.died({ isReady, hasBegunAny, age, isSpent: false });
}

Deno.test("Health.died() returns true if no worker has ever started", () => {
  const health = new Health();
  assert(died(health, false, false, 0));
});

Deno.test("Health.died() returns false after a worker that its first job has ended", () => {
  const health = new Health();
  assertFalse(died(health, false, true, 0));
  assertFalse(died(health, false, false, 0));
});

Deno.test("Health.died() returns true after ten early deaths in a row without a job", () => {
  const health = new Health();
  health.started();
  for (let i = 0; i < 9; i++) assertFalse(died(health, true, false, 0));
  assert(died(health, true, false, 0));
});

Deno.test("Health.died() does not count a worker that lived for a while", () => {
  const health = new Health();
  health.started();
  for (let i = 0; i < 20; i++) assertFalse(died(health, true, false, 1_000));
});

Deno.test("Health.delay does not count workers that had to be replaced", () => {
  const health = new Health();
  const death = { isReady: true, hasBegunAny: true, isSpent: true, age: 0 };
  for (let i = 0; i < 20; i++) assertFalse(health.died(death));
  assertEquals([health.deaths, health.delay], [0, 0]);
});

Deno.test("Health.delay counts deaths in a row, and a finished job resets it", () => {
  const health = new Health();
  health.started();
  for (let i = 0; i < 10; i++) assertFalse(died(health, true, true, 0));
  assertEquals(health.deaths, 10);
  assert(health.delay > 0);
  health.worked();
  assertEquals([health.deaths, health.delay], [0, 0]);
});

Deno.test("Pace.ahead is 4 ms of work, and at least one job", () => {
  const pace = new Pace();
  assertEquals(pace.mean, Infinity);
  for (let i = 0; i < 200; i++) pace.note(0.01);
  assert(Math.abs(pace.mean - 0.01) < 1e-3);
  assert(Math.abs(pace.ahead - 400) < 40);
  for (let i = 0; i < 400; i++) pace.note(50);
  assertEquals(pace.ahead, 1);
});

Deno.test("Pace.note() counts one long job as at most four times the mean", () => {
  const pace = new Pace();
  for (let i = 0; i < 200; i++) pace.note(1);
  pace.note(10_000);
  assert(pace.mean < 1.3);
});
