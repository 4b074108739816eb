/** Whether a stream has been read or canceled. */

import { Readable } from 'node:stream'

/** Whether `Readable.isDisturbed` knows web streams: that of Deno does not. Found out once. */
let knowsWebStreams: boolean | undefined

/** Whether a Node or web stream has been read or canceled: its rest is not what its owner wrote. */
export function isDisturbed(stream: object): boolean {
  if (Readable.isDisturbed(stream as Readable)) return true
  if (!(stream instanceof ReadableStream) || stream.locked) return false
  knowsWebStreams ??= seesCancel()
  return !knowsWebStreams && isRefused(stream)
}

function seesCancel(): boolean {
  const stream = new ReadableStream()
  void stream.cancel()
  return Readable.isDisturbed(stream as unknown as Readable)
}

/** Fetch standard §2.2.4, "extract a body": a response takes no stream that is disturbed. */
function isRefused(stream: ReadableStream): boolean {
  try {
    return new Response(stream).bodyUsed
  } catch {
    return true
  }
}
