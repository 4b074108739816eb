/** The sums that must come out: credit given back for what was received, and nothing kept that could be sent. */

import { must } from '../target.js'
import type { Conversation } from './conversation.js'

const DEFAULT_WINDOW = 65_535

/**
 * What the peer may still send, from what it was granted and what it has sent, never above what was configured and never so low
 * that it waits for credit nobody owes it. Between two frames, after all output was taken.
 */
export function checkCredit(it: Conversation): void {
  const { spoken, server, local } = it
  const open = DEFAULT_WINDOW + server.granted(0) - spoken.connectionData
  must(open >= 0, 'more DATA than the connection window, and no fault')
  must(open <= local.connectionWindowBytes, 'the connection window grows over its size')
  must(open * 2 >= local.connectionWindowBytes, 'credit of the connection is lost')
  let excess = 0
  for (const { id, unread, consumed, receiving } of it.requests) {
    if (!receiving) continue
    const left = local.initialWindowBytes + server.granted(id) - spoken.streamData(id)
    must(left >= 0, 'more DATA than the stream window, and the stream goes on')
    must(unread + consumed === spoken.streamContent(id), 'content is not told as it was sent')
    must((left + unread) * 2 >= local.initialWindowBytes, 'credit of a stream is lost')
    excess += Math.max(0, left + unread - local.initialWindowBytes)
  }
  must(excess <= it.budgetBytes, 'stream windows grow over the budget')
}

/** The output is empty and the engine had its turn: whoever still has content waits for a window, and every question is answered. */
export function checkNothingIsStuck(it: Conversation): void {
  const { spoken, server } = it
  must(spoken.settings.length === 0, 'SETTINGS without an acknowledgement')
  must(spoken.pings.length === 0, 'PING without an acknowledgement')
  for (const request of it.requests) {
    if (request.closed) continue
    const { id } = request
    const rest = request.handedOver - server.contentOf(id)
    if (rest > 0) {
      const stream = server.initialWindow + spoken.streamCredit(id) - server.contentOf(id)
      const connection = spoken.connectionCredit - server.connectionContent
      must(Math.min(stream, connection) <= 0, 'content waits though both windows are open')
    } else {
      must(!request.waiting, 'content is written, and nobody is told')
      must(server.hasEnded(id) === request.sendingEnded, 'the end of a request is not written')
    }
  }
}
