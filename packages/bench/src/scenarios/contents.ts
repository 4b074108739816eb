/** What is served and sent beside testkit's documents. Imported by every competitor's process: it imports nothing. */

export const LARGE_BYTES = 10_000_000
export const LARGE_PATH = '/10m.bin'
/** Repeated in everything large, so that its beginning can be checked. */
export const CONTENT_TEXT = 'unsharded '
