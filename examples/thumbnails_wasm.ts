// Makes thumbnails with Photon, a WebAssembly library. The bytes of each image move
// to a worker, and the bytes of its thumbnail move back: nothing is copied.
//
//   deno run --allow-read --allow-write examples/thumbnails_wasm.ts [folder] [into]
import { ThreadPool, transfer } from "@spindle/thread-pool";
import type * as jobs from "./thumbnails_wasm_jobs.ts";

const [folder = ".", into = `${folder}/thumbnails`] = Deno.args;
const names = Array.from(Deno.readDirSync(folder), ({ name }) => name)
  .filter((name) => /\.(gif|jpe?g|png|webp)$/i.test(name))
  .sort();
await Deno.mkdir(into, { recursive: true });

await using pool = new ThreadPool<typeof jobs>({
  module: new URL("./thumbnails_wasm_jobs.ts", import.meta.url),
  // Photon leaks the bytes of broken images. Replacing the worker frees its memory.
  maxJobsPerWorker: 500,
});

/** Reads the images. The map pulls only a few ahead, however many there are. */
async function* images(): AsyncGenerator<Uint8Array> {
  for (const name of names) {
    yield transfer(await Deno.readFile(`${folder}/${name}`));
  }
}

// A broken image does not stop the others. Results keep the order of the images.
const results = pool.map("makeThumbnail", images(), { onError: "collect" });
let done = 0;
for await (const result of results) {
  const name = names[done++];
  if (result.status === "fulfilled") {
    await Deno.writeFile(`${into}/${name}.webp`, result.value);
    console.log(`${name}: ${result.value.length} bytes`);
  } else {
    console.error(`${name}: ${result.reason}`);
    Deno.exitCode = 1;
  }
}
