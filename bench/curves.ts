// Draws curves as an SVG picture that follows the reader's light or dark theme.
import * as echarts from "echarts";

/** A line of points, each with its place on both axes. */
export interface Curve {
  name: string;
  points: [x: number, y: number][];
}

export interface Picture {
  title: string;
  /** What the axes show. */
  x: string;
  y: string;
  /** How a place on the x axis is written. */
  formatX?: (x: number) => string;
  /** How much more each mark of the x axis is than the one before. */
  baseX?: number;
  curves: Curve[];
}

const WIDTH = 720;
const HEIGHT = 400;
const INK = "#1f2328";
const GRAY = "#57606a";
const GRID = "#d8dee4";
const PAPER = "#ffffff";
/** What is read on white, and what takes its place on black. */
const DARK: Record<string, string> = {
  [INK]: "#f0f6fc",
  [GRAY]: "#9da7b3",
  [GRID]: "#30363d",
  [PAPER]: "#0d1117",
};
// These stand out from both, and from each other without color by their marks.
const COLORS = ["#d1495b", "#1f8fd6", "#2e9e5b", "#a76bd1"];
const SYMBOLS = ["circle", "rect", "triangle", "diamond"];

/** The picture, both axes logarithmic. */
export function draw({ title, x, y, formatX, baseX, curves }: Picture): string {
  const picture = echarts.init(null, null, {
    renderer: "svg",
    ssr: true,
    width: WIDTH,
    height: HEIGHT,
  });
  picture.setOption({
    animation: false,
    backgroundColor: PAPER,
    color: COLORS,
    title: {
      text: title,
      left: 16,
      top: 10,
      textStyle: { fontSize: 14, color: INK },
    },
    legend: {
      show: curves.length > 1,
      top: 34,
      right: 16,
      textStyle: { color: INK, fontSize: 12 },
    },
    grid: { left: 64, right: 32, top: 72, bottom: 52 },
    xAxis: { ...axis(x, formatX), logBase: baseX, min: "dataMin" },
    yAxis: { ...axis(y), nameLocation: "end", nameGap: 12 },
    series: curves.map(({ name, points }, i) => ({
      type: "line",
      name,
      data: points,
      symbol: SYMBOLS[i],
      symbolSize: 8,
      lineStyle: { width: 2 },
    })),
  });
  const svg = picture.renderToSVGString();
  picture.dispose();
  return svg.replace(">", `>\n${themes()}`);
}

function axis(name: string, formatter = short) {
  return {
    type: "log",
    name,
    nameLocation: "middle",
    nameGap: 30,
    nameTextStyle: { color: GRAY, fontSize: 12 },
    axisLabel: { color: GRAY, fontSize: 11, formatter },
    axisLine: { lineStyle: { color: GRAY } },
    splitLine: { lineStyle: { color: GRID } },
  };
}

function short(value: number): string {
  return value.toLocaleString("en", {
    notation: "compact",
    maximumSignificantDigits: 3,
  });
}

function themes(): string {
  const rules = Object.entries(DARK).map(([light, dark]) =>
    `[fill="${light}"]{fill:${dark}}[stroke="${light}"]{stroke:${dark}}`
  );
  return `<style>@media (prefers-color-scheme: dark){${
    rules.join("")
  }}</style>`;
}
