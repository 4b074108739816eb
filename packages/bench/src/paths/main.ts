/**
 * `pnpm bench:paths`: a download of 50 MB over paths of 20 and 100 ms, through a proxy that delays
 * all bytes. Compares a client's default windows with unlimited ones: the ratio is the cost of flow
 * control. Options: --rounds N (default 5), --json.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Client, type ClientOptions } from '@unshard/core'
import { type ChaosProxy, createAuthority, startChaosProxy, startNghttpd, staticLookup } from '@unshard/testkit'
import { alignedTable } from '../table.js'

const CONTENT_BYTES = 50 * 1024 * 1024
const ROUND_TRIPS_MS = [20, 100]
const HOST = 'a.test.example'
const UNLIMITED = { streamWindowBytes: 0x7fff_ffff, connectionWindowBytes: 0x7fff_ffff }

const { values } = parseArgs({ options: { rounds: { type: 'string' }, json: { type: 'boolean' } } })
const rounds = Number(values.rounds ?? 5)
if (!(Number.isInteger(rounds) && rounds > 0)) throw new RangeError('--rounds takes a number above 0')

const authority = await createAuthority()
const docroot = mkdtempSync(join(tmpdir(), 'unshard-paths-'))
writeFileSync(join(docroot, 'content'), Buffer.alloc(CONTENT_BYTES, 'x'))
writeFileSync(join(docroot, 'first'), 'x')
const server = await startNghttpd({ tls: await authority.issue({ names: [HOST] }), docroot })
if (server === undefined) throw new Error('nghttpd is not installed: it serves the download')
try {
  const results = []
  for (const roundTripMs of ROUND_TRIPS_MS) results.push(await measure(server.port, roundTripMs))
  if (values.json === true) console.log(JSON.stringify(results))
  else {
    const rows = results.map(({ roundTripMs, oursMs, unlimitedMs, ratio }) => [
      `${roundTripMs} ms`,
      oursMs.toFixed(0),
      unlimitedMs.toFixed(0),
      ratio.toFixed(2),
    ])
    console.log(alignedTable(['round trip', 'ms, default windows', 'ms, unlimited', 'of unlimited'], rows).join('\n'))
  }
} finally {
  await server.stop()
  rmSync(docroot, { recursive: true })
}

/** Medians of rounds in which both are measured, one after the other. */
async function measure(port: number, roundTripMs: number) {
  const proxy = await startChaosProxy(port)
  proxy.set('both', { latencyMs: roundTripMs / 2 })
  const withDefaults: number[] = []
  const unlimited: number[] = []
  for (let i = 0; i < rounds; i++) {
    withDefaults.push(await download(proxy, {}))
    unlimited.push(await download(proxy, UNLIMITED))
  }
  await proxy.close()
  const [oursMs, unlimitedMs] = [median(withDefaults), median(unlimited)]
  return { roundTripMs, oursMs, unlimitedMs, ratio: unlimitedMs / oursMs }
}

/** Returns the milliseconds from the request to the last byte, over an open connection. */
async function download({ port }: ChaosProxy, options: ClientOptions): Promise<number> {
  const client = new Client({ tls: { ca: authority.ca }, lookup: staticLookup({ [HOST]: '127.0.0.1' }), ...options })
  const base = `https://${HOST}:${port}`
  await (await client.request({ url: `${base}/first` })).bytes()
  const startedAt = performance.now()
  const response = await client.request({ url: `${base}/content` })
  let received = 0
  for await (const part of response.body) received += part.length
  const ms = performance.now() - startedAt
  await client.close()
  if (received !== CONTENT_BYTES) throw new Error(`received ${received} bytes, not ${CONTENT_BYTES}`)
  return ms
}

function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]!
}
