/**
 * Contents served and sent in addition to testkit's documents. Imported by every competitor's
 * process, so it imports nothing.
 */

export const LARGE_BYTES = 10_000_000
export const LARGE_PATH = '/10m.bin'
/** Repeated in all large contents, so that their beginning can be checked. */
export const CONTENT_TEXT = 'unsharded '
