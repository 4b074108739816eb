/** Values and functions that checks of several libraries use. */

export const LARGE = 'unsharded '.repeat(50_000)

/** Returns a form with a field and a file. */
export function form() {
  const data = new FormData()
  data.append('name', 'Ada')
  data.append('file', new File([LARGE], 'data.txt', { type: 'text/plain' }))
  return data
}

/** Returns the number of bytes of a stream of either kind. */
export async function lengthOf(stream) {
  let bytes = 0
  for await (const part of stream) bytes += part.length
  return bytes
}

/** Calls `send` with a signal that is aborted once the request has been made. */
export function aborted(send) {
  const controller = new AbortController()
  const promise = send(controller.signal)
  setImmediate(() => controller.abort())
  return promise
}
