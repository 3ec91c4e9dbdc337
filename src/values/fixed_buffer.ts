// Whether Node has marked an `ArrayBuffer` as one that stays where it is. Deno
// notices only after it has moved what stands before it in a transfer list. (Of
// memory that belongs to WebAssembly it notices in time.)

import { getOwnPropertySymbols } from "./intrinsics.ts";

/** What `markAsUntransferable()` leaves on a buffer; importing it would change how ports close. */
const MARK = "nodejs.worker_threads.untransferable";

/** Whether a buffer cannot be moved, as those of the pool that small Buffers share. */
export function isFixed(buffer: ArrayBuffer): boolean {
  const symbols = getOwnPropertySymbols(buffer);
  for (let i = 0; i < symbols.length; i++) {
    if (symbols[i].description === MARK) return true;
  }
  return false;
}
