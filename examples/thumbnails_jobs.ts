// The job of examples/thumbnails.ts: makes the thumbnail of one image.
import sharp from "sharp";

// The pool has one thread per core: more threads would only compete.
sharp.concurrency(1);

/** Reads an image, writes its thumbnail, and returns the thumbnail's size. */
export async function makeThumbnail(
  { from, to }: { from: string; to: string },
): Promise<string> {
  const { width, height, size } = await sharp(from)
    .autoOrient()
    .resize(160, 160, { fit: "inside", withoutEnlargement: true })
    .webp()
    .toFile(to);
  return `${width} × ${height}, ${size} bytes`;
}
