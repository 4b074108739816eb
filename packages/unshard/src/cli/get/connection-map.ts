/** `--connections`: which connection carried each URL. */

import { counted } from '../format.js'
import { lineForTerminal } from '../terminal.js'
import type { Hop } from './hops.js'

/** One transfer, as far as the report shows it. */
export interface ReportedTransfer {
  readonly url: string
  readonly hops: readonly Hop[]
  readonly downloaded: number
  readonly message?: string
}

/** Returns the lines for a terminal. */
export function connectionMap(transfers: readonly ReportedTransfer[], dials: number, handshakes: number): string {
  const lines = transfers.flatMap(linesOf)
  return [
    ...lines,
    '',
    ...connectionsOf(transfers.flatMap(({ hops }) => hops)),
    '',
    `${counted(dials, 'dial')}, ${counted(handshakes, 'TLS handshake')}`,
  ].join('\n')
}

function linesOf({ url, hops, downloaded, message }: ReportedTransfer): string[] {
  if (message !== undefined && hops.length === 0) return [lineForTerminal(`${url}  ${message}`)]
  return hops.map(({ url: hopUrl, status, connection: { id, coalesced, because } }, index) => {
    const bytes = index === hops.length - 1 ? `, ${counted(downloaded, 'byte')}` : ''
    return lineForTerminal(`${hopUrl}  ${status}${bytes}, #${id} ${coalesced ? 'shared' : 'own'} (${because})`)
  })
}

/** Lists each connection with the origins whose requests it carried. */
function connectionsOf(hops: readonly Hop[]): string[] {
  const origins = new Map<number, Set<string>>()
  const names = new Map<number, string>()
  for (const { url, connection } of hops) {
    const { id, protocol, remoteAddress, remotePort, proxy } = connection
    const through = proxy === undefined ? '' : ` through ${proxy}`
    names.set(id, `#${id} ${protocol} ${remoteAddress} port ${remotePort}${through}`)
    origins.set(id, (origins.get(id) ?? new Set()).add(new URL(url).origin))
  }
  return [...names].map(([id, name]) => `${name}: ${[...origins.get(id)!].join(' ')}`)
}
