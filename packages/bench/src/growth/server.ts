/**
 * Server process of the growth scenario: nghttpd with capacity for all requests at once, and
 * node:http2 with the number of response fields given by the path. Without nghttpd, node:http2
 * serves both.
 */

import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createAuthority, SMALL_TEXT, startNghttpd } from '@unshard/testkit'
import { OWN_SERVER } from '../competitor.js'

export interface GrowthServers {
  readonly ca: string
  readonly requests: { readonly name: string; readonly port: number }
  readonly fields: { readonly name: string; readonly port: number }
}

/** More than are ever in flight. */
const STREAMS = 20_000

const authority = await createAuthority()
const tls = await authority.issue({ names: ['localhost'], ips: ['127.0.0.1'] })
const own = process.argv[2] === 'own'
const nghttpd = own ? undefined : await startNghttpd({ tls, flags: [`--max-concurrent-streams=${STREAMS}`] })
const fields = http2.createSecureServer({ ...tls, settings: { maxConcurrentStreams: STREAMS } })
const blocks = new Map<string, http2.OutgoingHttpHeaders>()
fields.on('stream', (stream, { ':path': path = '/' }) => {
  stream.respond({ ...blockOf(path) })
  stream.end(SMALL_TEXT)
})
await new Promise<void>((resolve) => fields.listen(0, '127.0.0.1', resolve))

process.once('disconnect', () => void Promise.resolve(nghttpd?.stop()).finally(() => process.exit()))
const fallback = { name: 'node:http2', port: (fields.address() as AddressInfo).port }
process.send!({
  ca: authority.ca,
  requests: nghttpd === undefined ? { ...fallback, name: OWN_SERVER } : { name: nghttpd.name, port: nghttpd.port },
  fields: fallback,
} satisfies GrowthServers)

/** `/fields-100` has 100 fields, including `:status` and the `date` that node:http2 adds. */
function blockOf(path: string): http2.OutgoingHttpHeaders {
  let block = blocks.get(path)
  if (block === undefined) {
    const count = Number(/^\/fields-(\d+)$/.exec(path)?.[1] ?? 0)
    block = Object.fromEntries(
      Array.from({ length: Math.max(0, count - 2) }, (_, i) => [`x-field-${String(i).padStart(4, '0')}`, `value ${i}`]),
    )
    blocks.set(path, { ':status': 200, ...block })
  }
  return blocks.get(path)!
}
