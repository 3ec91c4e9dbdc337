// The job of examples/thumbnails.ts: it makes the thumbnail of one image.
import sharp from "sharp";

// The pool has a thread for each processor: more would only get in the way.
sharp.concurrency(1);

/** Reads an image, writes its thumbnail, and tells how large that is. */
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
