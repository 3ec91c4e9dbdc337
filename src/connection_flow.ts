// How bytes of a moved connection flow: both ends must agree, or one would wait
// for credit that the other does not give.

/** How many bytes may be on their way in one direction before the sender waits. */
export const WINDOW = 256 * 1024;

/** Bytes that have arrived are told of when they are so many: well within the window. */
export const TELL_AFTER = 64 * 1024;

/** Below this a chunk is cheaper to copy than to move. */
export const SMALL = 8 * 1024;
