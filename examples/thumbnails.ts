// Makes thumbnails of the images in a folder with sharp, a native library. The
// workers read and write the files themselves, so only file names are sent.
//
//   deno run --allow-read --allow-write --allow-env --allow-ffi examples/thumbnails.ts [folder] [into]
//
// sharp loads in any thread. A native addon that crashes when a second thread loads
// it often works if the main thread loads it first: then import it here too.
import { ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./thumbnails_jobs.ts";

const [folder = ".", into = `${folder}/thumbnails`] = Deno.args;
const names = Array.from(Deno.readDirSync(folder), ({ name }) => name)
  .filter((name) => /\.(avif|gif|jpe?g|png|svg|tiff?|webp)$/i.test(name))
  .sort();
await Deno.mkdir(into, { recursive: true });

await using pool = new ThreadPool<typeof jobs>({
  module: new URL("./thumbnails_jobs.ts", import.meta.url),
});
const images = names.map((name) => ({
  from: `${folder}/${name}`,
  to: `${into}/${name}.webp`,
}));
// A broken image does not stop the others. Results keep the order of the images.
const results = pool.map("makeThumbnail", images, { onError: "collect" });
let done = 0;
for await (const result of results) {
  const name = names[done++];
  if (result.status === "fulfilled") {
    console.log(`${name}: ${result.value}`);
  } else {
    console.error(`${name}: ${result.reason}`);
    Deno.exitCode = 1;
  }
}
