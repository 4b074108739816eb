/** A connection to a Unix domain socket. No name, no address, no proxy: a path. */

import { connect, type Socket } from 'node:net'
import { ConnectError } from '../../errors/errors.js'

/** Connects. @throws ConnectError phase `tcp`, naming the path; the reason of `signal`. */
export function connectUnix(path: string, origin: string, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const socket = connect({ path })
    const settle = (finish: () => void): void => {
      signal.removeEventListener('abort', onAbort)
      finish()
    }
    const onAbort = (): void =>
      settle(() => {
        socket.destroy()
        reject(signal.reason)
      })
    signal.addEventListener('abort', onAbort, { once: true })
    socket.once('connect', () => settle(() => resolve(socket)))
    // It stays: between one owner and the next an error must not become an exception of the process.
    socket.on('error', (cause: Error) =>
      settle(() =>
        reject(new ConnectError('tcp', `cannot connect to the socket ${path} (${origin}): ${cause.message}`, { origin, cause })),
      ),
    )
  })
}
