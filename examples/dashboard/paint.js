// Colors, of the scheme that the reader has chosen, and patterns, so that nothing is
// told by color alone.

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Calls back when the colors change. */
export function onScheme(callback) {
  dark.addEventListener("change", callback);
}

/** A color of the style sheet. */
export function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(
    `--${name}`,
  );
}

/** As many jobs can be told apart; the others look like the last one. */
export const KINDS = 8;
/** The size of a pattern, in pixels. */
const TILE = 6;

/** What is drawn over each of the colors `--job-0` and so on. */
const patterns = [
  () => {},
  (c) => line(c, [0, TILE, TILE, 0], [-1, 1, 1, -1], [5, 7, 7, 5]),
  (c) => dot(c, 2, 2),
  (c) => line(c, [0, 1.5, TILE, 1.5]),
  (c) => line(c, [1.5, 0, 1.5, TILE]),
  (c) => line(c, [0, 0, TILE, TILE], [5, -1, 7, 1], [-1, 5, 1, 7]),
  (c) => line(c, [0, 1.5, TILE, 1.5], [1.5, 0, 1.5, TILE]),
  (c) => (dot(c, 0, 0), dot(c, 3, 3)),
];

function line(context, ...lines) {
  context.beginPath();
  for (const [x, y, toX, toY] of lines) {
    context.moveTo(x, y);
    context.lineTo(toX, toY);
  }
  context.stroke();
}

function dot(context, x, y) {
  context.fillRect(x, y, 2, 2);
}

/** What fills the bars of each kind of job. */
export function fills(context) {
  return patterns.map((draw, i) => {
    const tile = new OffscreenCanvas(TILE, TILE);
    const c = tile.getContext("2d");
    c.fillStyle = color(`job-${i}`);
    c.fillRect(0, 0, TILE, TILE);
    c.fillStyle = c.strokeStyle = color("hatch");
    c.lineWidth = 1.5;
    draw(c);
    return context.createPattern(tile, "repeat");
  });
}

/** Makes a canvas as sharp as the screen; returns its context. */
export function prepare(canvas, width, height) {
  const scale = devicePixelRatio;
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w || canvas.height !== h) {
    Object.assign(canvas, { width: w, height: h });
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}
