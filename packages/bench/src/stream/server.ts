/**
 * Server process: nghttpd for HTTP/2 and nginx for HTTP/1.1 with one large file; the testkit's own
 * server if nghttpd is not installed.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority, startNghttpd, startNginx, startOriginServer } from '@unshard/testkit'
import { OWN_SERVER } from '../competitor.js'
import { STREAM_BYTES, STREAM_FILE, type StreamServers } from './task.js'

const docroot = mkdtempSync(join(tmpdir(), 'unshard-stream-'))
const content = Buffer.alloc(STREAM_BYTES, 'unsharded ')
writeFileSync(join(docroot, STREAM_FILE), content)
const authority = await createAuthority()
const tls = await authority.issue({ names: ['localhost'], ips: ['127.0.0.1'] })
const own = process.argv[2] === 'own'
const h2 = own ? undefined : await startNghttpd({ tls, docroot })
const http1 = own ? undefined : await startNginx({ tls, docroot })
const fallback = h2 === undefined ? await startOriginServer({ tls, handler: (_, response) => response.end(content) }) : undefined

process.once('disconnect', () => {
  rmSync(docroot, { recursive: true, force: true })
  void Promise.all([h2?.stop(), http1?.stop()]).finally(() => process.exit())
})
process.send!({
  ca: authority.ca,
  h2: { name: h2?.name ?? OWN_SERVER, port: (h2 ?? fallback)!.port },
  http1: http1 === undefined ? undefined : { name: http1.name, port: http1.port },
} satisfies StreamServers)
