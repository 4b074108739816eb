/** The report of `unshard get` for people. */

import type { GetReport, Got } from './get.js'
import { lineForTerminal } from './terminal.js'

/** Lines for a terminal. */
export function printGet({ responses, totals }: GetReport): string {
  const lines = responses.map(line)
  return [...lines, '', ...connectionMap(responses), '', `${totals.dials} dials, ${totals.handshakes} TLS handshakes`].join('\n')
}

function line({ url, status, bytes, connection, error }: Got): string {
  if (error !== undefined) return `${url}  ${lineForTerminal(`${error.code}: ${error.message}`)}`
  const { id, coalesced, because } = connection!
  return `${url}  ${status}, ${bytes} octets, #${id} ${coalesced ? 'shared' : 'own'} (${because})`
}

/** Each connection, and the origins whose requests it has carried. */
function connectionMap(responses: readonly Got[]): string[] {
  const origins = new Map<number, Set<string>>()
  const names = new Map<number, string>()
  for (const { url, connection } of responses) {
    if (connection === undefined) continue
    const { id, protocol, remoteAddress, remotePort, proxy } = connection
    const through = proxy === undefined ? '' : ` through ${proxy}`
    names.set(id, `#${id} ${protocol} ${remoteAddress} port ${remotePort}${through}`)
    origins.set(id, (origins.get(id) ?? new Set()).add(new URL(url).origin))
  }
  return [...names].map(([id, name]) => `${name}: ${[...origins.get(id)!].join(' ')}`)
}
