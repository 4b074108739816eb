/** A recording opens in Chrome's DevTools: its own importer reads the file. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testWorld } from '@unshard/testkit'
import { build, type Plugin } from 'esbuild'
import { createClient } from 'unshard'
import { recordHar } from 'unshard/har'
import { NODES, runOn } from '../nodes.js'

const here = dirname(fileURLToPath(import.meta.url))
const world = testWorld()
const { server, defer } = world

/** A list of languages that the build of DevTools generates is not in its package. */
const languages: Plugin = {
  name: 'languages',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\/locales\.js$/ }, () => ({ path: 'languages', namespace: 'languages' }))
    onLoad({ filter: /.*/, namespace: 'languages' }, () => ({
      contents: `export const LOCALES = ['en-US'], BUNDLED_LOCALES = LOCALES, DEFAULT_LOCALE = 'en-US'
        export const REMOTE_FETCH_PATTERN = '', LOCAL_FETCH_PATTERN = ''`,
    }))
  },
}

async function bundleImporter(outfile: string): Promise<void> {
  const har = join(here, '../../node_modules/chrome-devtools-frontend/front_end/models/har/har.ts')
  const contents = `export * as HAR from ${JSON.stringify(har)}`
  await build({
    stdin: { contents, resolveDir: here },
    ...{ outfile, bundle: true, format: 'esm', platform: 'node', logLevel: 'error', plugins: [languages] },
  })
}

it("the importer of Chrome's DevTools shows every request of a recording, with its connection, times and content", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'unshard-devtools-'))
  defer(() => rm(folder, { recursive: true }))
  const [h2, h1] = [await server(), await server({ protocols: ['http/1.1'] })]
  const client = createClient({ tls: { ca: world.authority.ca }, lookup: (_host, _options, done) => done(null, '127.0.0.1', 4) })
  defer(() => client.destroy())
  const recorder = recordHar(client, join(folder, 'requests.har'), { bodies: {} })
  const posted = await client.request({ url: `${h2.url('a.test.example')}/inspect`, method: 'POST', body: 'sent' })
  const text = await posted.text()
  const other = await client.request({ url: `${h1.url('a.test.example')}/status/404` })
  await other.text()
  await client.request({ url: `${h1.url('b.test.example')}/`, signal: AbortSignal.timeout(0) }).catch(() => undefined)
  await recorder.stop()

  const bundle = join(folder, 'importer.mjs')
  await bundleImporter(bundle)
  const shown = await runOn(NODES[0]!, join(here, 'open-har.mjs'), [bundle, join(folder, 'requests.har')], {})
  expect(shown).toMatchObject([
    {
      ...{ url: `${h2.url('a.test.example')}/inspect`, method: 'POST', status: 200, protocol: 'h2', type: 'fetch' },
      ...{ connection: String(posted.connection.id), transferSize: text.length, isFinished: true, sent: 'sent', text },
      timing: { dnsStart: expect.any(Number), connectEnd: expect.any(Number), sslEnd: expect.any(Number) },
    },
    { status: 404, protocol: 'http/1.1', connection: String(other.connection.id) },
    { url: `${h1.url('b.test.example')}/`, status: 0, connection: '', isFinished: true },
  ])
}, 60_000)
