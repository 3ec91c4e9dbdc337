// Tests the examples that make thumbnails, by the commands in their headers.
import { crc32, deflateSync } from "node:zlib";
import { assert, assertEquals, assertMatch } from "@std/assert";
import photo from "baboon-image-uri";
import sharp from "sharp";
import { Example, withFolder } from "./example.ts";

/** Makes a chunk of a PNG file. */
function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/** Makes a PNG file with a red left half and a blue right half. */
function redAndBlue(width: number, height: number): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 2], 8); // bits a color, colors without transparency
  const row = [0]; // without a filter
  for (let x = 0; x < width; x++) {
    row.push(...(x < width / 2 ? [255, 0, 0] : [0, 0, 255]));
  }
  const rows = new Uint8Array(Array(height).fill(row).flat());
  return Uint8Array.from([
    ...[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    ...chunk("IHDR", header),
    ...chunk("IDAT", deflateSync(rows)),
    ...chunk("IEND", new Uint8Array()),
  ]);
}

/** Returns the color at this part of the width, in the middle of the height. */
async function colorAt(path: string, part: number): Promise<number[]> {
  const { data, info } = await sharp(await Deno.readFile(path))
    .removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const x = Math.floor(info.width * part);
  const y = Math.floor(info.height / 2);
  const start = (y * info.width + x) * info.channels;
  return Array.from(data.subarray(start, start + 3));
}

function assertNear(color: number[], expected: number[]): void {
  const isNear = color.every((value, i) => Math.abs(value - expected[i]) < 20);
  assert(isNear, `Expected ${color} to be about ${expected}`);
}

async function withImages(test: (folder: string) => Promise<void>) {
  await withFolder(async (folder) => {
    const wide = redAndBlue(400, 200);
    await Deno.writeFile(`${folder}/wide.png`, wide);
    await Deno.writeFile(`${folder}/tall.PNG`, redAndBlue(100, 3_000));
    await Deno.writeFile(`${folder}/line.png`, redAndBlue(2_000, 1));
    const bytes = Uint8Array.fromBase64(photo.split(",")[1]);
    await Deno.writeFile(`${folder}/photo.png`, bytes);
    const jpeg = await sharp(bytes).resize(512).jpeg().toBuffer();
    await Deno.writeFile(`${folder}/photo 2.jpeg`, new Uint8Array(jpeg));
    await Deno.writeFile(`${folder}/broken.png`, wide.subarray(0, 60));
    await Deno.writeTextFile(`${folder}/empty.jpg`, "");
    await Deno.writeTextFile(`${folder}/readme.txt`, "no image");
    await test(folder);
  });
}

for (const name of ["thumbnails.ts", "thumbnails_wasm.ts"]) {
  Deno.test(`${name} makes thumbnails of all images that are not broken`, async () => {
    await withImages(async (folder) => {
      await using example = await Example.start(name, { args: [folder] });
      assertEquals(await example.code(), 1); // because some images are broken
      // The error for a broken image can have several lines.
      const lines = example.output.split("\n")
        .filter((line) => /\.\w+: /.test(line)).sort();
      assertEquals(lines.map((line) => line.split(":")[0]), [
        "broken.png",
        "empty.jpg",
        "line.png",
        "photo 2.jpeg",
        "photo.png",
        "tall.PNG",
        "wide.png",
      ]);
      assertMatch(lines[0], /Error: /);
      assertMatch(lines[1], /Error: /);

      const into = `${folder}/thumbnails`;
      const sizes = {
        "line.png": [160, 1],
        "photo 2.jpeg": [160, 160],
        "photo.png": [128, 128], // not enlarged
        "tall.PNG": [5, 160],
        "wide.png": [160, 80],
      };
      for (const [name, size] of Object.entries(sizes)) {
        const bytes = await Deno.readFile(`${into}/${name}.webp`);
        const { format, width, height } = await sharp(bytes).metadata();
        assertEquals([format, width, height], ["webp", ...size], name);
        const line = lines.find((line) => line.startsWith(`${name}:`));
        assertMatch(line!, new RegExp(`\\b${bytes.length} bytes$`));
      }
      assertNear(await colorAt(`${into}/wide.png.webp`, 0.25), [255, 0, 0]);
      assertNear(await colorAt(`${into}/wide.png.webp`, 0.75), [0, 0, 255]);
      const [{ channels: [red] }, { channels: [same] }] = await Promise.all([
        sharp(await Deno.readFile(`${into}/photo.png.webp`)).stats(),
        sharp(Uint8Array.fromBase64(photo.split(",")[1])).stats(),
      ]);
      assert(Math.abs(red.mean - same.mean) < 10);
    });
  });

  Deno.test(`${name} does nothing in a folder without images`, async () => {
    await withFolder(async (folder) => {
      const into = `${folder}/a/b`;
      await using example = await Example.start(name, { args: [folder, into] });
      assertEquals(await example.code(), 0);
      assertEquals(example.output, "");
    });
  });

  Deno.test(`${name} prints an error if the folder does not exist`, async () => {
    await using example = await Example.start(name, { args: ["no such"] });
    assertEquals(await example.code(), 1);
    assertMatch(example.output, /NotFound: .*no such/);
  });
}
