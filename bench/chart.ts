// Draws the figures of burst, burst-object and sequence as an SVG picture.
import * as echarts from "echarts";
import { FLOOR, OWN, RAW } from "./contestants.ts";
import type { Contestant, Result } from "./types.d.ts";

const PANELS = [
  {
    workload: "burst",
    metric: "jobs/s",
    title: "Jobs of one number, at once",
    log: true,
  },
  {
    workload: "burst-object",
    metric: "jobs/s",
    title: "Jobs of five fields, at once",
    log: true,
  },
  {
    workload: "sequence",
    metric: "µs each",
    title: "One job at a time",
    log: false,
  },
];
const WIDTH = 960;
const HEIGHT = 420;
const TOP = 84;
const LABELS = 130;
const GAP = 24;

/** The picture: a panel per workload that was measured, a bar per pool; only the tables have the floor. */
export function chart(all: Result[], caption: string): string {
  const results = all.filter(({ pool }) => pool !== FLOOR);
  const panels = PANELS.filter(({ workload }) =>
    results.some((r) => r.workload === workload)
  );
  if (panels.length === 0) {
    throw new RangeError(
      "svg: expected burst, burst-object or sequence to be measured, got none of them",
    );
  }
  const rows = [...new Set(results.map(name))].reverse();
  const width = (WIDTH - LABELS - GAP) / panels.length;
  const picture = echarts.init(null, null, {
    renderer: "svg",
    ssr: true,
    width: WIDTH,
    height: HEIGHT,
  });
  picture.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: [
      {
        text: caption,
        left: 16,
        top: 12,
        textStyle: { fontSize: 13, color: "#57606a", fontWeight: "normal" },
      },
      ...panels.map(({ title, metric, log }, i) => ({
        text: title,
        subtext: `${metric}${
          log ? ", logarithmic; longer is better" : "; shorter is better"
        }`,
        left: LABELS + i * width,
        top: 40,
        itemGap: 2,
        textStyle: { fontSize: 14, color: "#1f2328" },
        subtextStyle: { fontSize: 11, color: "#57606a" },
      })),
    ],
    grid: panels.map((_, i) => ({
      left: LABELS + i * width,
      width: width - 72,
      top: TOP,
      bottom: 28,
    })),
    xAxis: panels.map(({ log }, i) => ({
      gridIndex: i,
      type: log ? "log" : "value",
      min: log ? 1_000 : 0,
      axisLabel: {
        formatter: (value: number) =>
          value.toLocaleString("en", { notation: "compact" }),
        color: "#57606a",
        fontSize: 10,
        hideOverlap: true,
      },
      splitLine: { lineStyle: { color: "#eaeef2" } },
    })),
    yAxis: panels.map((_, i) => ({
      gridIndex: i,
      type: "category",
      data: rows,
      axisTick: { show: false },
      axisLine: { lineStyle: { color: "#8c959f" } },
      axisLabel: { show: i === 0, color: "#1f2328", fontSize: 12 },
    })),
    series: panels.map(({ workload, metric }, i) => ({
      type: "bar",
      xAxisIndex: i,
      yAxisIndex: i,
      barWidth: "62%",
      data: rows.map((row) =>
        bar(
          results.find((r) => r.workload === workload && name(r) === row),
          metric,
        )
      ),
      label: { show: true, position: "right", color: "#1f2328", fontSize: 11 },
    })),
  });
  const svg = picture.renderToSVGString();
  picture.dispose();
  return svg;
}

function bar(result: Result | undefined, metric: string) {
  const value = result?.medians[metric];
  if (result === undefined || value === undefined) return { value: null };
  return {
    value,
    label: {
      formatter: value.toLocaleString("en", { maximumSignificantDigits: 3 }),
    },
    itemStyle: { color: color(result) },
  };
}

function color({ pool, runtime }: Contestant): string {
  if (pool === OWN) return "#cf222e";
  if (pool === RAW) return "#8c959f";
  return runtime === "Deno" ? "#218bff" : "#54aeff";
}

function name({ pool, runtime }: Contestant): string {
  return `${pool}, ${runtime}`;
}
