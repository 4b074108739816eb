/** At the end nothing is left. */

import type { ClientStats } from '@unshard/core'
import type { Environment } from '../../world/environment.js'
import { isUnnoticed } from '../unnoticed.js'

/** Judges the client before it is closed, when no request is in flight. */
export function judgeIdle(environment: Environment, { pools, connections }: ClientStats): void {
  const { ledger, kernel, sockets } = environment
  let unread = 0
  for (const record of ledger.records.values()) if (record.script.reader === 'never' || isUnnoticed(environment, record)) unread++
  for (const { origin, queued, dialing } of pools) {
    if (queued > 0) ledger.find('left', `${queued} requests are queued for ${origin}, and all have settled`)
    if (dialing > 0) ledger.find('left', `${dialing} dials are pending for ${origin}, and no request waits`)
  }
  // A response that its caller does not read stays open.
  const open = connections.reduce((sum, { active }) => sum + active, 0)
  if (open > unread) ledger.find('left', `${open} requests are in flight, and all have settled; ${unread} responses are unread`)
  if (unread > 0) return
  // An idle client lets its process end.
  if (kernel.referencedTimers > 0)
    ledger.find('left', `${kernel.referencedTimers} timers of an idle client keep the process alive`)
  const held = [...sockets].filter(({ referenced }) => referenced).length
  if (held > 0) ledger.find('left', `${held} sockets of an idle client keep the process alive`)
}

/** Judges the windows of open connections, when no request is in flight: credit for what was read is given back. */
export function judgeWindows({ ledger, hosts }: Environment): void {
  for (const [address, { instances }] of hosts) {
    for (const { connections } of instances) {
      for (const connection of connections) {
        const missing = connection.missingCredit?.() ?? 0
        if (missing > 0.5)
          ledger.find('window', `a client's window of ${address} is ${Math.round(100 * missing)} % used up, and nothing is read`)
      }
    }
  }
}

/** Judges the process after the client was closed. */
export function judgeEnd({ ledger, kernel, sockets }: Environment): void {
  if (sockets.size > 0) ledger.find('leak', `${sockets.size} sockets are left`)
  if (kernel.timerCount > 0) ledger.find('leak', `${kernel.timerCount} timers are left`)
}
