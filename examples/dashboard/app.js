// The page: reads the samples of the pool, and shows them anew with each.
import { html, render } from "htm/preact/standalone";
import { Chart } from "./charts.js";
import { count, duration, mebibytes } from "./format.js";
import { Lanes } from "./lanes.js";
import { Model } from "./model.js";

let model = new Model();
let isConnected = false;

connect();

function connect() {
  const source = new EventSource("events");
  // All that is known; also after a while without a connection.
  source.addEventListener("history", ({ data }) => {
    model = new Model(JSON.parse(data));
    isConnected = true;
    show();
  });
  source.addEventListener("message", ({ data }) => {
    model.add(JSON.parse(data));
    show();
  });
  source.addEventListener("error", () => {
    isConnected = false;
    show();
    // It connects again by itself, unless the answer was an error.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2_000);
  });
}

let isDue = false;

/** Shows what is known, once a frame, and not while the page is hidden. */
function show() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    render(
      html`<${Page} model=${model} status=${statusOf(model)} />`,
      document.body,
    );
  });
}

const ENDS = {
  closed: "The pool is closed",
  terminated: "The pool was terminated",
  broken: "The pool has stopped: its workers do not start",
};

function statusOf({ last }) {
  if (last?.isLast) return { kind: "over", sign: "■", text: ENDS[last.state] };
  if (!isConnected) {
    const text = last ? "Connection lost, trying again" : "Connecting";
    return { kind: "away", sign: "◌", text };
  }
  if (last.state === "open") return { kind: "live", sign: "●", text: "Live" };
  return {
    kind: "over",
    sign: "◍",
    text: `${ENDS[last.state]}, finishing its jobs`,
  };
}

function Page({ model, status }) {
  return html`
    <header>
      <h1>Thread pool</h1>
      <p class=${`status ${status.kind}`} role="status">
        <i aria-hidden="true">${status.sign}</i> ${status.text}
      </p>
    </header>
    ${model.last && html`
      <main>
        <${Numbers} model=${model} />
        <${Lanes} model=${model} />
        <${Charts} points=${model.points} />
      </main>
    `}
  `;
}

/** What the numbers above are called, and whether they should stay 0. */
const NUMBERS = [
  ["queued", "Queued"],
  ["running", "Running"],
  ["completed", "Completed"],
  ["failed", "Failed", true],
  ["timedOut", "Timed out", true],
  ["aborted", "Aborted"],
  ["crashed", "Crashed workers", true],
  ["lost", "Lost threads", true],
];

function Numbers({ model: { last: { stats }, points } }) {
  return html`
    <dl class="numbers">
      <div>
        <dt>Jobs/s</dt>
        <dd>${count(points.at(-1).doneRate)}</dd>
      </div>
      ${NUMBERS.map(([key, name, shouldBe0]) => {
        const isBad = shouldBe0 && stats[key] > 0;
        const sign = isBad && html`<i aria-hidden="true">▲</i>`;
        return html`
          <div class=${isBad ? "bad" : ""}>
            <dt>${name}</dt>
            <dd data-number=${key}>${sign}${count(stats[key])}</dd>
          </div>
        `;
      })}
    </dl>
  `;
}

const line = (name, color, value, isArea) => ({ name, color, value, isArea });

const QUEUE = [line("queued", "a", (p) => p.queued, true)];
const RATE = [
  line("completed", "a", (p) => p.doneRate, true),
  line("failed, aborted, timed out", "b", (p) => p.badRate),
];
const WAIT = [
  line("p99", "b", (p) => p.wait.p99),
  line("p50", "a", (p) => p.wait.p50),
];
const RUN = [
  line("p99", "b", (p) => p.run.p99),
  line("p50", "a", (p) => p.run.p50),
];
const BUSY = [
  line("busy", "a", (p) => p.meanBusy, true),
  line("workers", "b", (p) => p.size),
];
const MEMORY = [
  line("resident", "a", (p) => p.rss, true),
  line("heap of main", "b", (p) => p.heap),
];

function Charts({ points }) {
  return html`
    <div class="charts">
      <${Chart} title="Queue" lines=${QUEUE} points=${points}
        format=${count} />
      <${Chart} title="Throughput" note="jobs a second" lines=${RATE}
        points=${points} format=${count} />
      <${Chart} title="Busy workers" lines=${BUSY} points=${points}
        format=${count} />
      <${Chart} title="Wait time" note="of the last 5 s" lines=${WAIT}
        points=${points} format=${duration} log />
      <${Chart} title="Run time" note="of the last 5 s" lines=${RUN}
        points=${points} format=${duration} log />
      <${Chart} title="Memory" lines=${MEMORY} points=${points}
        format=${mebibytes} />
    </div>
  `;
}
