/** Reads content as a scenario requires, with methods that every client's response has. */

import type { Seen, Target } from '../competitor.js'

/** Content in one piece, as in a `Response` and in undici's bodies. */
interface Whole {
  text(): Promise<string>
  arrayBuffer(): Promise<ArrayBuffer>
}

type Pieces = AsyncIterable<Uint8Array>

/** Created once, so that requests need no decision. */
export function readerOf(target: Target): (whole: Whole, pieces: () => Pieces) => Promise<string | Seen> {
  const { reading = 'text', text } = target
  switch (reading) {
    case 'text':
      return (whole) => whole.text()
    case 'bytes':
      return async (whole) => summaryOf(new Uint8Array(await whole.arrayBuffer()), text)
    case 'stream':
      return (_, pieces) => watch(pieces(), text)
  }
}

/** Summarizes content in one piece: its length, and as much of its beginning as `text` has. */
export function summaryOf(content: Uint8Array, text: string): Seen {
  return {
    bytes: content.length,
    head: Buffer.from(content.buffer, content.byteOffset, content.length).toString('utf8', 0, text.length),
  }
}

async function watch(pieces: Pieces, text: string): Promise<Seen> {
  let bytes = 0
  let head = ''
  for await (const piece of pieces) {
    if (bytes < text.length) head += summaryOf(piece, text).head
    bytes += piece.length
  }
  return { bytes, head: head.slice(0, text.length) }
}

/** Returns the content of a POST. */
export function contentOf({ upload }: Target): Buffer | undefined {
  return upload && Buffer.alloc(upload.bytes, upload.text)
}
