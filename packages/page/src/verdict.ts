/** Sentences about one entry: its connection, its times, its failure. */

import type { PageEntry } from '../index.js'
import { shownBytes, shownMs } from './format.js'
import { hasFailed } from './groups.js'
import { PHASES } from './phases.js'
import { sentenceOf } from './reasons.js'

/** Shorter phases are not listed, in milliseconds: they would be shown as 0. */
const SHORTEST_MS = 0.05

/** Says which connection served an entry, and why. */
export function verdictOf(entry: PageEntry): string {
  const { connection, because, isCoalesced, isPending } = entry
  if (connection === '') {
    if (isPending) return 'Waits for a connection.'
    return hasFailed(entry) ? 'The request had no connection.' : 'The recording does not say which connection served the request.'
  }
  const shared = isCoalesced ? `Shares connection ${connection}, which was opened for another host.` : `Connection ${connection}.`
  const sentence = sentenceOf(because)
  return sentence === '' ? shared : `${shared} ${sentence}`
}

/** Says how an entry ended. */
export function outcomeOf(entry: PageEntry): string {
  const { isPending, status, statusText, durationMs, receivedBytes, error, isReplayed } = entry
  if (isPending)
    return status === 0 ? 'In flight: no response yet.' : `In flight: status ${status}, the content is being received.`
  const replayed = isReplayed ? ' The client sent the request again by itself.' : ''
  if (hasFailed(entry)) return `Failed after ${shownMs(durationMs)}${error === '' ? '' : `: ${error}`}.${replayed}`
  const size = receivedBytes < 0 ? '' : `, ${shownBytes(receivedBytes)}`
  return `Status ${status}${statusText === '' ? '' : ` ${statusText}`} in ${shownMs(durationMs)}${size}.${replayed}`
}

/** The phases that applied, such as `wait 12 ms · receive 1 ms`. */
export function phasesOf({ phases }: PageEntry): string {
  const applied = PHASES.map(({ name }, i) => [name, phases[i] ?? -1] as const).filter(([, ms]) => ms >= SHORTEST_MS)
  return applied.map(([name, ms]) => `${name} ${shownMs(ms)}`).join(' · ')
}
