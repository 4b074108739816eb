/** Text report of `unshard probe`. */

import { lineForTerminal } from '../terminal.js'
import type { Comparison } from './compare.js'
import { sourceOf } from './configuration.js'
import type { Pair, ProbedOrigin, ProbeReport } from './probe.js'

/** Returns the lines for a terminal. */
export function printProbe({ origins, pairs, connections, comparisons, configuration }: ProbeReport): string {
  const reached = origins.filter(({ error }) => error === undefined).length
  return [
    ...origins.flatMap(describe),
    ...connections.map(([first, ...others]) =>
      others.length === 0 ? `${first} is not shared` : `${first} can carry ${others.join(' ')}`,
    ),
    ...refusals(pairs, connections),
    '',
    ...(comparisons ?? []).map(verdict),
    `${connections.length} ${connections.length === 1 ? 'connection' : 'connections'} for ${reached} ${reached === 1 ? 'origin' : 'origins'}`,
    sourceOf(configuration),
  ].join('\n')
}

function describe({ origin, addresses, protocol, connectedTo, subjectAltName, originSet, error }: ProbedOrigin): string[] {
  if (error !== undefined) return [origin, `  ${lineForTerminal(`${error.code}: ${error.message}`)}`, '']
  return [
    origin,
    `  addresses    ${addresses.join(' ') || 'not known'}`,
    `  connected    ${connectedTo ?? 'not known'}, ${protocol}`,
    `  certificate  ${lineForTerminal(subjectAltName ?? 'none')}`,
    `  ORIGIN       ${originSet === undefined ? 'not sent' : lineForTerminal(originSet.join(' '))}`,
    '',
  ]
}

/**
 * Lists why the remaining connections cannot be merged: the verdict on each of them for the others.
 */
function refusals(pairs: readonly Pair[], connections: readonly (readonly string[])[]): string[] {
  const firsts = new Set(connections.map(([first]) => first))
  return pairs
    .filter(({ from, to, share }) => !share && firsts.has(from) && firsts.has(to))
    .map(({ from, to, because }) => `${to} cannot use the connection of ${from}: ${because}`)
}

const OUTCOME_TEXTS = {
  same: 'gets the same response',
  varies: 'gets the same status; its content differs each time, so this proves little',
  misdirected: 'gets a 421: a client retries on a dedicated connection and remembers the pair',
  'other-status': 'gets another status: another server answers',
  'other-content': 'gets other content: another server answers',
  failed: 'could not be compared',
} as const

function verdict({ origin, sharedWith, outcome, own, shared, error }: Comparison): string {
  const statuses =
    own === undefined || shared === undefined ? lineForTerminal(error ?? '') : `${own.status} dedicated, ${shared.status} shared`
  return `${origin} over the connection of ${sharedWith} ${OUTCOME_TEXTS[outcome]} (${statuses})`
}
