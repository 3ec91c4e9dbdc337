// The handler that a server calls first: it answers what is under the dashboard's
// path, and leaves all else to others. The page loads nothing from elsewhere.
import type { ThreadPool } from "@spindle/thread-pool";
import preact from "htm/preact/standalone" with { type: "text" };
import { hash } from "node:crypto";
import uplotStyle from "uplot/dist/uPlot.min.css" with { type: "text" };
import uplot from "uplot/dist/uPlot.iife.min.js" with { type: "text" };
import app from "./app.js" with { type: "text" };
import charts from "./charts.js" with { type: "text" };
import { eventsOf } from "./events.ts";
import format from "./format.js" with { type: "text" };
import lanes from "./lanes.js" with { type: "text" };
import model from "./model.js" with { type: "text" };
import page from "./page.html" with { type: "text" };
import paint from "./paint.js" with { type: "text" };
import { Sampler } from "./sampler.ts";
import style from "./style.css" with { type: "text" };

const files: Record<string, [text: string, type: string]> = {
  "": [page, "text/html"],
  "style.css": [style, "text/css"],
  "uplot.css": [uplotStyle, "text/css"],
  "uplot.js": [uplot, "text/javascript"],
  "preact.js": [preact, "text/javascript"],
  "app.js": [app, "text/javascript"],
  "charts.js": [charts, "text/javascript"],
  "format.js": [format, "text/javascript"],
  "lanes.js": [lanes, "text/javascript"],
  "model.js": [model, "text/javascript"],
  "paint.js": [paint, "text/javascript"],
};
// The only script that stands in the page itself says where `preact.js` is.
const importMap = /<script type="importmap">([^]*?)<\/script>/.exec(page)![1];
const policy = `default-src 'self'; img-src data:; frame-ancestors 'self'; ` +
  `script-src 'self' 'sha256-${hash("sha256", importMap, "base64")}'`;

/** How a dashboard is mounted. */
export interface DashboardOptions {
  /** Where it is found; `"/pool"` by default. */
  path?: string;
}

/**
 * A live picture of a pool. What it shows is for everybody who may ask for the path:
 * if that is not you alone, ask for a password first.
 *
 * Its streams of events end with the pool: close that before you await the
 * `shutdown()` of the server.
 *
 * @returns Answers the requests for its path, and gives `undefined` for all others
 */
export function dashboard(
  // deno-lint-ignore no-explicit-any -- the jobs of the pool do not matter
  pool: ThreadPool<any>,
  { path = "/pool" }: DashboardOptions = {},
): (request: Request) => Response | undefined {
  const sampler = new Sampler(pool);
  return ({ url, method }) => {
    const { pathname } = new URL(url);
    if (pathname === path) {
      // Relative, so that it holds behind a proxy that has a path of its own.
      const location = `${path.slice(path.lastIndexOf("/") + 1)}/`;
      return new Response(null, { status: 308, headers: { location } });
    }
    if (!pathname.startsWith(`${path}/`)) return undefined;
    if (method !== "GET") return new Response(null, { status: 405 });
    const name = pathname.slice(path.length + 1);
    if (name === "events") return eventsOf(sampler);
    if (!Object.hasOwn(files, name)) return new Response(null, { status: 404 });
    const [text, type] = files[name];
    return new Response(text, {
      headers: {
        "content-type": `${type}; charset=utf-8`,
        "content-security-policy": policy,
        "cache-control": "no-cache",
      },
    });
  };
}
