// The job of examples/tracing.ts: creates a span, as in any other program.
import { trace } from "@opentelemetry/api";

const tracer = trace.getTracer("jobs");

/** Computes a Fibonacci number the slow way. */
export function fib(n: number): number {
  return tracer.startActiveSpan("fib", { attributes: { n } }, (span) => {
    try {
      return slowly(n);
    } finally {
      span.end();
    }
  });
}

function slowly(n: number): number {
  return n < 2 ? n : slowly(n - 1) + slowly(n - 2);
}
