// A chart of the last minute: lines that differ in dashes as well as in color, with
// their names and present values above.
import { html, useEffect, useRef } from "htm/preact/standalone";
import { WINDOW } from "./model.js";
import { color, onScheme } from "./paint.js";

const { uPlot } = globalThis;
const HEIGHT = 140;
const DASHES = [[], [5, 4], [1, 3]];

/**
 * Draws a chart.
 *
 * @param props.lines The name of each line, its value at a point, and how it is colored
 * @param props.format Writes a value
 */
export function Chart({ title, note, lines, points, format, log }) {
  const element = useRef();
  const plot = useRef();
  useEffect(() => {
    const make = () => {
      plot.current?.destroy();
      plot.current = new uPlot(
        optionsOf({ lines, format, log }, element.current.clientWidth),
        [[], ...lines.map(() => [])],
        element.current,
      );
    };
    make();
    onScheme(make);
    const resized = new ResizeObserver(() =>
      plot.current.setSize({
        width: element.current.clientWidth,
        height: HEIGHT,
      })
    );
    resized.observe(element.current);
  }, []);
  useEffect(() => plot.current.setData(dataOf(lines, points)));
  const now = points.at(-1);
  const values = lines.map(({ name, value }) =>
    `${name} ${format(value(now))}`
  );
  return html`
    <figure class="card chart">
      <figcaption>
        <h2>${title} ${note && html`<small>${note}</small>`}</h2>
        <ul class="key">
          ${lines.map(({ name, value, color }, i) =>
            html`<li>
              <i class=${`line dash-${i}`} style=${{
              color: `var(--${color})`,
            }}></i>
              ${name} <b>${format(value(now))}</b>
            </li>`
          )}
        </ul>
      </figcaption>
      <div ref=${element} role="img"
        aria-label=${`${title}, now: ${values.join(", ")}`}></div>
    </figure>
  `;
}

function dataOf(lines, points) {
  const now = points.at(-1).time;
  return [
    points.map(({ time }) => (time - now) / 1000),
    ...lines.map(({ value }) => points.map(value)),
  ];
}

function optionsOf({ lines, format, log }, width) {
  const axis = {
    stroke: color("muted"),
    font: "11px system-ui, sans-serif",
    grid: { stroke: color("grid"), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: HEIGHT,
    padding: [8, 16, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: [-WINDOW, 0] },
      y: log
        ? { distr: 3, range: (_, min, max) => decades(min, max) }
        : { range: (_, __, max) => [0, Math.max(1, max * 1.1)] },
    },
    axes: [
      {
        ...axis,
        size: 24,
        gap: 8,
        splits: [-60, -45, -30, -15, 0],
        values: (_, values) => values.map((v) => v === 0 ? "now" : `${v} s`),
      },
      {
        ...axis,
        size: 60,
        gap: 6,
        space: 24,
        // All that are asked for.
        filter: (_, splits) => splits,
        splits: log ? (_, __, min, max) => powersOf10(min, max) : undefined,
        values: (_, values) => values.map((v) => v === null ? "" : format(v)),
      },
    ],
    series: [
      {},
      ...lines.map(({ color: name, isArea }, i) => ({
        stroke: color(name),
        fill: isArea ? `${color(name)}30` : undefined,
        width: 1.75,
        dash: DASHES[i],
        points: { show: false },
      })),
    ],
  };
}

function powersOf10(min, max) {
  const powers = [];
  for (let power = min; power < max * 1.1; power *= 10) powers.push(power);
  // No more than fit.
  const step = Math.ceil(powers.length / 5);
  return powers.filter((_, i) => i % step === 0);
}

/** The powers of ten around some values. */
function decades(min, max) {
  const low = Math.floor(Math.log10(Math.max(1e-3, min || 1e-3)));
  const high = Math.ceil(Math.log10(Math.max(1e-3, max || 1)));
  return [10 ** low, 10 ** Math.max(high, low + 1)];
}
