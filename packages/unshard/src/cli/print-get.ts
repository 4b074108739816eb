/** Text report of `unshard get`. */

import type { FetchedUrl, GetReport } from './get.js'
import { lineForTerminal } from './terminal.js'

/** Returns the lines for a terminal. */
export function printGet({ responses, totals }: GetReport): string {
  const lines = responses.map(line)
  return [...lines, '', ...connectionMap(responses), '', `${totals.dials} dials, ${totals.handshakes} TLS handshakes`].join('\n')
}

function line({ url, status, bytes, connection, error }: FetchedUrl): string {
  if (error !== undefined) return `${url}  ${lineForTerminal(`${error.code}: ${error.message}`)}`
  const { id, coalesced, because } = connection!
  return `${url}  ${status}, ${bytes} bytes, #${id} ${coalesced ? 'shared' : 'own'} (${because})`
}

/** Lists each connection with the origins whose requests it carried. */
function connectionMap(responses: readonly FetchedUrl[]): string[] {
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
