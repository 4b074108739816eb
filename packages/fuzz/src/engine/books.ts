/**
 * Invariants of flow control: all credit for received content is returned, and nothing sendable is
 * held back.
 */

import { must } from '../target.js'
import type { Conversation } from './conversation.js'

const DEFAULT_WINDOW = 65_535

/**
 * Checks the peer's windows: what was granted minus what was sent, never above the configured size
 * and never so low that the peer waits for credit that will not come. Called between two frames,
 * after all output was taken.
 */
export function checkCredit(it: Conversation): void {
  const { serverSent, server, local } = it
  const open = DEFAULT_WINDOW + server.granted(0) - serverSent.connectionData
  must(open >= 0, 'DATA beyond the connection window without an error')
  must(open <= local.connectionWindowBytes, 'the connection window grows over its size')
  must(open * 2 >= local.connectionWindowBytes, 'credit of the connection is lost')
  let excess = 0
  for (const { id, unread, consumed, receiving } of it.requests) {
    if (!receiving) continue
    const left = local.initialWindowBytes + server.granted(id) - serverSent.streamData(id)
    must(left >= 0, 'DATA beyond the stream window, but the stream continues')
    must(unread + consumed === serverSent.streamContent(id), 'content differs from what was sent')
    must((left + unread) * 2 >= local.initialWindowBytes, 'credit of a stream is lost')
    excess += Math.max(0, left + unread - local.initialWindowBytes)
  }
  must(excess <= it.budgetBytes, 'stream windows grow over the budget')
}

/**
 * Checks that nothing is stuck once the output is empty and the engine had its turn: remaining
 * content waits for a window, and every question is answered.
 */
export function checkNothingIsStuck(it: Conversation): void {
  const { serverSent, server } = it
  must(serverSent.settings.length === 0, 'SETTINGS without an acknowledgment')
  must(serverSent.pings.length === 0, 'PING without an acknowledgment')
  for (const request of it.requests) {
    if (request.closed) continue
    const { id } = request
    const rest = request.handedOver - server.contentOf(id)
    if (rest > 0) {
      const stream = server.initialWindow + serverSent.streamCredit(id) - server.contentOf(id)
      const connection = serverSent.connectionCredit - server.connectionContent
      must(Math.min(stream, connection) <= 0, 'content waits although both windows are open')
    } else {
      must(!request.waiting, 'content is written, but its owner is not notified')
      must(server.hasEnded(id) === request.sendingEnded, 'the end of a request is not written')
    }
  }
}
