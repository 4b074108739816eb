/** The report of `unshard probe` for people. */

import type { Comparison } from './compare.js'
import { sourceOf } from './configuration.js'
import type { Pair, ProbedOrigin, ProbeReport } from './probe.js'
import { lineForTerminal } from './terminal.js'

/** Lines for a terminal. */
export function printProbe({ origins, pairs, connections, comparisons, configuration }: ProbeReport): string {
  const reached = origins.filter(({ error }) => error === undefined).length
  return [
    ...origins.flatMap(describe),
    ...connections.map(([first, ...others]) =>
      others.length === 0 ? `${first} alone` : `${first} can carry ${others.join(' ')}`,
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

/** Why the connections that are left are not one: for each of them, what is said of it on the others. */
function refusals(pairs: readonly Pair[], connections: readonly (readonly string[])[]): string[] {
  const firsts = new Set(connections.map(([first]) => first))
  return pairs
    .filter(({ from, to, share }) => !share && firsts.has(from) && firsts.has(to))
    .map(({ from, to, because }) => `${to} not over ${from}: ${because}`)
}

const WORDS = {
  same: 'answers alike',
  varies: 'has the same status; its content is never the same, so that says little',
  misdirected: 'says 421: a client asks again over a connection of its own, and remembers it',
  'other-status': 'has another status: somebody else answers',
  'other-content': 'has other content: somebody else answers',
  failed: 'could not be compared',
} as const

function verdict({ origin, sharedWith, outcome, own, shared, error }: Comparison): string {
  const statuses =
    own === undefined || shared === undefined ? lineForTerminal(error ?? '') : `${own.status} on its own, ${shared.status} shared`
  return `${origin} over the connection of ${sharedWith} ${WORDS[outcome]} (${statuses})`
}
