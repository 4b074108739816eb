/** Connects to Unix domain sockets. */

import { connect, type Socket } from 'node:net'
import { ConnectError } from '../../errors/errors.js'
import { printable } from '../../schema/option-checks.js'

/**
 * Connects to a path.
 * @throws ConnectError phase `tcp`, naming the path; the reason of `signal`.
 */
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
    // Never removed: an error while the socket changes owners must not crash the process.
    socket.on('error', (cause: Error) =>
      settle(() =>
        reject(new ConnectError('tcp', `cannot connect to Unix socket ${printable(path)}: ${cause.message}`, { origin, cause })),
      ),
    )
  })
}
