// The workers as lanes: beside the name of each and what it does, its jobs over time.
// A high bar is one job; a low one is a sample of a worker that does short jobs.
import {
  html,
  useEffect,
  useLayoutEffect,
  useRef,
} from "htm/preact/standalone";
import { duration } from "./format.js";
import { EVERY, isLong, rowsOf, WINDOW } from "./model.js";
import { color, fills, KINDS, onScheme, prepare } from "./paint.js";

/** A second is so many pixels wide, at least. */
const SECOND = 20;
/** The height of the line of seconds below. */
const AXIS = 20;
/** Beyond so many lanes they are low. */
const MANY = 16;
const TEXT = "11px system-ui, sans-serif";

const SIGNS = {
  starting: "◌",
  spare: "◇",
  idle: "○",
  busy: "●",
  lost: "✕",
  ending: "◍",
  gone: "–",
};

/** Draws the lanes of all workers. */
export function Lanes({ model }) {
  const { lanes, last } = model;
  const canvas = useRef();
  const paints = useRef();
  useEffect(() => onScheme(() => paints.current = undefined), []);
  useLayoutEffect(() => {
    const list = canvas.current.previousElementSibling;
    const rows = [...list.children].map(({ offsetTop, offsetHeight }) => ({
      top: offsetTop,
      height: offsetHeight,
    }));
    const { clientWidth: width } = canvas.current;
    const height = list.offsetHeight + AXIS;
    canvas.current.style.height = `${height}px`;
    const context = prepare(canvas.current, width, height);
    paints.current ??= fills(context);
    draw(context, { model, rows, width, height, paints: paints.current });
  });
  const busy = last.workers.filter(([, state]) => state === "busy").length;
  return html`
    <section class="card workers">
      <h2>Workers
        <small>${busy} of ${last.workers.length} busy</small>
      </h2>
      <${Key} names=${last.names} />
      <div class="timeline">
        <ol class=${lanes.length > MANY ? "many" : ""}>
          ${lanes.map((lane, i) =>
            html`<${Label} key=${i} lane=${lane} names=${last.names} />`
          )}
        </ol>
        <canvas ref=${canvas} role="img"
          aria-label="What each worker has done in the last seconds"></canvas>
      </div>
    </section>
  `;
}

function Label({ lane: { worker, bars }, names }) {
  const state = worker?.state ?? "gone";
  // The job that has run for longest; of short ones, none stands out.
  const [job] = worker?.jobs ?? [];
  const more = (worker?.jobs.length ?? 0) - 1;
  const text = job ? names[job[1]] + (more > 0 ? ` +${more}` : "") : state;
  return html`
    <li class=${state} data-worker=${worker?.id}
      style=${{ "--rows": rowsOf({ bars }) }}>
      <b>${worker?.id}</b>
      <i aria-hidden="true">${SIGNS[state]}</i>
      <span class="visually-hidden">${state}</span>
      <span class="job">${text}</span>
      <small>${job?.[2] >= EVERY && duration(job[2])}</small>
    </li>
  `;
}

/** Which job looks how. */
function Key({ names }) {
  return html`
    <ul class="key jobs">
      ${names.map((name, i) =>
        html`<li key=${name}><${Swatch} kind=${
          Math.min(i, KINDS - 1)
        } /> ${name}</li>`
      )}
      <li class="hint">A high bar is one job, a low one a sample of short jobs; a line is a new worker.</li>
    </ul>
  `;
}

function Swatch({ kind }) {
  const canvas = useRef();
  useEffect(() => {
    const paint = () => {
      const context = prepare(canvas.current, 22, 12);
      context.fillStyle = fills(context)[kind];
      context.fillRect(0, 0, 22, 12);
    };
    paint();
    onScheme(paint);
  }, []);
  return html`<canvas ref=${canvas} class="swatch" aria-hidden="true"></canvas>`;
}

function draw(context, { model, rows, width, height, paints }) {
  const now = model.last.time;
  const seconds = Math.min(WINDOW, width / SECOND);
  const x = (time) => width - (now - time) / 1000 * (width / seconds);
  drawAxis(context, { seconds, width, height });
  context.font = TEXT;
  context.textBaseline = "middle";
  for (const [i, { bars, starts }] of model.lanes.entries()) {
    if (!rows[i]) continue;
    const { top, height } = rows[i];
    const inner = (height - 2) / rowsOf({ bars });
    for (const bar of bars) {
      if (x(bar.end) < 0) continue;
      const y = top + 1 + bar.row * inner;
      context.fillStyle = paints[Math.min(bar.name, KINDS - 1)];
      if (isLong(bar)) {
        const left = Math.max(0, x(bar.start));
        const length = Math.max(2, x(bar.end) - left - 1);
        roundRect(context, left, y, length, inner - 1);
        drawName(context, model.last.names[bar.name], {
          left,
          y: y + inner / 2,
          length,
          kind: bar.name,
          height: inner,
        });
      } else {
        const left = x(bar.end - EVERY);
        const low = Math.max(2, Math.round(inner * 0.36));
        context.fillRect(
          left,
          y + (inner - low) / 2,
          x(bar.end) - left - 1,
          low,
        );
      }
    }
    context.fillStyle = color("muted");
    for (const start of starts) {
      if (now - start > WINDOW * 1000 || x(start) < 0) continue;
      context.fillRect(x(start) - 1, top, 1, height);
    }
  }
}

function roundRect(context, ...box) {
  context.beginPath();
  context.roundRect(...box, 3);
  context.fill();
}

/** The name within a bar, if it fits, on the plain color. */
function drawName(context, name, { left, y, length, kind, height }) {
  const { width } = context.measureText(name);
  if (height < 14 || length < width + 12) return;
  context.fillStyle = color(`job-${Math.min(kind, KINDS - 1)}`);
  context.fillRect(left + 3, y - 7, width + 6, 13);
  context.fillStyle = color("on-job");
  context.fillText(name, left + 6, y);
}

function drawAxis(context, { seconds, width, height }) {
  context.font = TEXT;
  context.textBaseline = "bottom";
  const step = seconds > 25 ? 10 : 5;
  for (let s = 0; s <= seconds; s += step) {
    const x = width - s * (width / seconds);
    context.fillStyle = color("grid");
    context.fillRect(
      Math.min(width - 1, Math.round(x)),
      0,
      1,
      height - AXIS + 2,
    );
    context.fillStyle = color("muted");
    context.textAlign = s === 0 ? "right" : "center";
    if (x > 14) context.fillText(s === 0 ? "now" : `-${s} s`, x, height);
  }
  context.textAlign = "left";
}
