/**
 * A new connection whose address has served nothing on another one since its dial began: another
 * address gets a chance, and this connection stays the second choice.
 */

import { ConnectError } from '../errors/errors.js'
import type { Clock } from '../runtime/clock.js'
import type { Connection } from '../transport/connection.js'

/** Time for the other addresses, in milliseconds: those that are silent must not cost more. */
export const OTHER_ADDRESS_MS = 2_000

/**
 * Dials another address, and returns its connection, or `connection` if the dial fails or takes too
 * long. Closes the one that is not returned.
 * @param dial ends with `signal`.
 * @throws the reason of `signal`.
 */
export async function preferOther(
  connection: Connection,
  dial: (signal: AbortSignal) => Promise<Connection>,
  clock: Clock,
  signal: AbortSignal,
): Promise<Connection> {
  const stop = new AbortController()
  const onAbort = (): void => stop.abort(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  const tooLong = new Error('another address takes too long')
  // If this connection has closed, the other address is the only one left.
  const timer = clock.startTimer(OTHER_ADDRESS_MS, () => connection.state !== 'closed' && stop.abort(tooLong))
  try {
    const other = await dial(stop.signal)
    connection.destroy(new Error('the address has served nothing on another connection'))
    return other
  } catch (error) {
    if (!signal.aborted && connection.state !== 'closed') return connection
    connection.destroy(new Error('the dial was aborted'))
    if (signal.aborted) throw signal.reason
    if (error !== tooLong) throw error
    const origin = connection.route.origin.serialized
    throw new ConnectError('tcp', 'the connection was closed, and the other addresses take too long', { origin })
  } finally {
    timer.cancel()
    signal.removeEventListener('abort', onAbort)
  }
}
