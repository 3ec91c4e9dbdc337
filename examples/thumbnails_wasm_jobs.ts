// The job of examples/thumbnails_wasm.ts: makes the thumbnail of one image.
import { PhotonImage, resize, SamplingFilter } from "@cf-wasm/photon";
import { transfer } from "@spindle/thread-pool/worker";

/** Returns the bytes of the thumbnail of an image. */
export function makeThumbnail(bytes: Uint8Array): Uint8Array {
  using image = decode(bytes);
  const [width, height] = [image.get_width(), image.get_height()];
  const scale = Math.min(1, 160 / Math.max(width, height));
  const [newWidth, newHeight] = [width, height].map((length) =>
    Math.max(1, Math.round(length * scale))
  );
  const { Lanczos3 } = SamplingFilter;
  using thumbnail = resize(image, newWidth, newHeight, Lanczos3);
  return transfer(thumbnail.get_bytes_webp());
}

function decode(bytes: Uint8Array): PhotonImage {
  try {
    return PhotonImage.new_from_byteslice(bytes);
  } catch (cause) {
    // Photon's own message is only "unreachable".
    throw new TypeError("Expected a GIF, JPEG, PNG or WebP image", { cause });
  }
}
