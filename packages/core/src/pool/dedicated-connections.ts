/**
 * Connections for exactly one request, which closes its connection when done. No pool keeps them.
 */

import { ConnectionError } from '../errors/errors.js'
import { type Abortable, link, unlink } from '../runtime/abort.js'
import type { Connection } from '../transport/connection.js'
import type { PoolTarget } from '../transport/target.js'
import type { Dialer } from './dialer.js'
import type { Member } from './member.js'
import type { Attempt } from './permits.js'
import type { QueuedRequest } from './request-queue.js'

/** Pending dials of dedicated connections. */
export class DedicatedConnections {
  readonly #dialer: Dialer
  readonly #stop: AbortSignal
  readonly #dials = new Map<QueuedRequest, Dial>()

  /** @param stop ends every pending dial. */
  constructor(dialer: Dialer, stop: AbortSignal) {
    this.#dialer = dialer
    this.#stop = stop
  }

  /** Dials for the request. Calls exactly one of its methods, unless the request leaves first. */
  acquire(target: PoolTarget, queued: QueuedRequest): void {
    const dial = new Dial()
    this.#dials.set(queued, dial)
    link(this.#stop, dial)
    this.#obtain(target, dial)
      .finally(() => {
        this.#dials.delete(queued)
        unlink(this.#stop, dial)
      })
      .then(
        (member) => queued.onMember(member),
        (error: Error) => queued.onUnavailable(error),
      )
  }

  /** Ends the dial of a request that was cancelled. */
  leave(queued: QueuedRequest, reason: unknown): void {
    this.#dials.get(queued)?.abort(reason)
  }

  /** Whether the request waits for a permit. */
  waits(queued: QueuedRequest): boolean {
    return this.#dials.get(queued)?.waits === true
  }

  async #obtain(target: PoolTarget, dial: Dial): Promise<Member> {
    const member = await this.#dialer.dedicated(target, dial)
    const { connection, permit } = member
    try {
      await untilRoom(connection, dial.signal)
    } finally {
      connection.onChange = () => {
        if (connection.state === 'closed') void connection.closed.then(() => permit.release())
      }
      connection.onChange()
    }
    return member
  }
}

/** One pending dial. */
class Dial extends AbortController implements Attempt {
  waits = false
  readonly wanted: boolean = true
  readonly overdue: boolean = false
  onOverdue: undefined
}

/** Waits for capacity: a server whose limits are still unknown has none before SETTINGS. */
async function untilRoom(connection: Connection, signal: AbortSignal): Promise<void> {
  if (connection.capacity > 0) return
  const end: Abortable = { abort: (reason) => connection.destroy(reason as Error) }
  link(signal, end)
  if (signal.aborted) end.abort(signal.reason)
  const { origin } = connection.route
  await new Promise<void>((resolve, reject) => {
    connection.onChange = () => {
      if (connection.state === 'open' && connection.capacity === 0) return
      connection.onChange = undefined
      unlink(signal, end)
      if (connection.state === 'open') return resolve()
      const message = 'the connection was closed before it took a request'
      const details = { origin: origin.serialized, initiator: 'peer', processed: 'no' } as const
      reject(new ConnectionError('ERR_CONNECTION_LOST', message, details))
    }
    connection.onChange()
  })
}
