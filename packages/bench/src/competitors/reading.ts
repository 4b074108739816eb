/** Reads a content as a scenario wants it read, with the methods that every client's answer has. */

import type { Seen, Target } from '../competitor.js'

/** An answer's content in one piece; a `Response` and a body of undici's are that too. */
interface Whole {
  text(): Promise<string>
  arrayBuffer(): Promise<ArrayBuffer>
}

type Pieces = AsyncIterable<Uint8Array>

/** Made once, so that a request pays for no decision. */
export function readerOf(target: Target): (whole: Whole, pieces: () => Pieces) => Promise<string | Seen> {
  const { reading = 'text', text } = target
  switch (reading) {
    case 'text':
      return (whole) => whole.text()
    case 'octets':
      return async (whole) => seen(new Uint8Array(await whole.arrayBuffer()), text)
    case 'stream':
      return (_, pieces) => watch(pieces(), text)
  }
}

/** Of octets in one piece: how many, and as many of the first ones as `text` has. */
export function seen(octets: Uint8Array, text: string): Seen {
  return {
    bytes: octets.length,
    head: Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('utf8', 0, text.length),
  }
}

async function watch(pieces: Pieces, text: string): Promise<Seen> {
  let bytes = 0
  let head = ''
  for await (const piece of pieces) {
    if (bytes < text.length) head += seen(piece, text).head
    bytes += piece.length
  }
  return { bytes, head: head.slice(0, text.length) }
}

/** The content of a POST. */
export function contentOf({ upload }: Target): Buffer | undefined {
  return upload && Buffer.alloc(upload.bytes, upload.text)
}
