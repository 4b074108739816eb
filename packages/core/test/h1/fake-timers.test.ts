/** A request over HTTP/1.1 works without the timers that a test runner replaces. */

import { execFile } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { clientFixture } from '../client/fixture.js'

const { client: createClient, server } = clientFixture()
/** A global in CommonJS, a property of `import.meta` in modules. */
const { jest } = import.meta as unknown as { jest: { useFakeTimers(options: object): void; useRealTimers(): void } }

afterEach(() => void jest.useRealTimers())

it('requests complete while jest fakes timers, and after it restores them, twice', async () => {
  const origin = await server({ protocols: ['http/1.1'] })
  const client = createClient({
    maxConnectionsPerOrigin: 1,
    lookup: (_host, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
  })
  const url = origin.url('a.test.example')
  const statusOf = async (): Promise<number> => (await client.request({ url })).status
  for (let round = 0; round < 2; round++) {
    jest.useFakeTimers({ doNotFake: ['performance'] })
    for (let i = 0; i < 3; i++) expect(await statusOf()).toBe(200)
    expect(await Promise.all([statusOf(), statusOf(), statusOf()])).toEqual([200, 200, 200])
    jest.useRealTimers()
    expect(await statusOf()).toBe(200)
  }
})

it('requests complete after members of node:timers are replaced', async () => {
  const index = pathToFileURL(fileURLToPath(new URL('../../dist/index.js', import.meta.url))).href
  const script = `
    import { createServer } from 'node:http'
    import { createRequire } from 'node:module'
    import { Client } from '${index}'
    const server = createServer((_request, response) => response.end('ok'))
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    const timers = createRequire('/')('node:timers')
    for (const name of ['setImmediate', 'clearImmediate']) globalThis[name] = timers[name] = () => ({})
    globalThis.queueMicrotask = () => undefined
    const client = new Client({ maxConnectionsPerOrigin: 1 })
    const body = () => (async function* () { yield 'x'; yield '' ; yield 'y' })()
    for (let i = 0; i < 5; i++) {
      const url = 'http://127.0.0.1:' + server.address().port
      const answers = [client.request({ url }), client.request({ url, method: 'POST', body: body() })]
      for (const answer of answers) console.log(await (await answer).text())
    }
    process.exit()`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { timeout: 10_000 })
  expect(stdout.trim().split('\n')).toEqual(Array(10).fill('ok'))
})
