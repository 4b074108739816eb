// Bodies for the contract's requests and responses: large, truncated, failing, and empty.
import { once } from 'node:events'

/** Length of bodies that are too large for any buffer. */
export const LARGE_BYTES = 67_108_864
export const PART: Buffer = Buffer.alloc(65_536, 'part')

export function writeSlowly(
  response: { write(part: Buffer): boolean; end(): unknown } & NodeJS.EventEmitter,
  onWrite: () => void,
): void {
  void (async () => {
    let over = false
    const closed = once(response, 'close').then(() => {
      over = true
    })
    for (let left = LARGE_BYTES; left > 0 && !over; left -= PART.length) {
      onWrite()
      if (!response.write(PART)) await Promise.race([once(response, 'drain'), closed])
    }
    if (!over) response.end()
  })()
}

export async function* parts(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

export async function* failing(message: string): AsyncGenerator<string> {
  yield 'some'
  throw new RangeError(message)
}

export async function* yielding(part: unknown): AsyncGenerator<string> {
  yield part as string
}

export function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i)
}
