/** Server process of the memory scenario: nghttpd, and a node:http2 server that never responds. */

import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createAuthority, SMALL_TEXT, startNghttpd } from '@unshard/testkit'
import { OWN_SERVER } from '../competitor.js'
import { HELD_PATH, HOST_SUFFIX, type MemoryServers } from './task.js'

const STREAMS = 20_000

const authority = await createAuthority()
const tls = await authority.issue({ names: [`*.${HOST_SUFFIX}`] })
const nghttpd = process.argv[2] === 'own' ? undefined : await startNghttpd({ tls })
// Without the guard against rapid reset (CVE-2023-44487): its limit is not measured here.
const settings = { maxConcurrentStreams: STREAMS }
const unlimited = { streamResetBurst: 1e9, streamResetRate: 1e9, maxSessionMemory: 1_000 } as object
const holding = http2.createSecureServer({ ...tls, settings, ...unlimited })
holding.on('stream', (stream, { ':path': path }) => {
  stream.on('error', () => {})
  if (path === HELD_PATH) return
  stream.respond({ ':status': 200 })
  stream.end(SMALL_TEXT)
})
holding.on('sessionError', () => {})
await new Promise<void>((resolve) => holding.listen(0, '127.0.0.1', resolve))

process.once('disconnect', () => void Promise.resolve(nghttpd?.stop()).finally(() => process.exit()))
const heldPort = (holding.address() as AddressInfo).port
process.send!({
  ca: authority.ca,
  name: nghttpd?.name ?? OWN_SERVER,
  port: nghttpd?.port ?? heldPort,
  heldPort,
} satisfies MemoryServers)
