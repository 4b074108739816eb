/**
 * Node's own fetch with our dispatcher, in separate processes, because the slot is global. Uses
 * `dist`: build first.
 */

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { testWorld } from '@unshard/testkit'

const run = promisify(execFile)
const environment = testWorld()
const dist = new URL('../../dist/undici/index.js', import.meta.url).href
const undici7 = fileURLToPath(new URL('../../node_modules/undici/index.js', import.meta.url))

/** Runs a script; every name of the tests resolves to this machine. */
async function play(script: string, port: number): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'unshard-global-'))
  environment.defer(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'ca.pem'), environment.authority.ca)
  const head = `
    import { createRequire } from 'node:module'
    import { Dispatcher, installGlobalDispatcher } from ${JSON.stringify(dist)}
    const require = createRequire(import.meta.url)
    const lookup = (host, options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }])
    const url = (host, path = '/') => 'https://' + host + '.test.example:${port}' + path
    const V1 = Symbol.for('undici.globalDispatcher.1'), V2 = Symbol.for('undici.globalDispatcher.2')
    const answer = (value) => console.log(JSON.stringify(value))`
  await writeFile(join(folder, 'script.mjs'), `${head}\n${script}`)
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') }
  const { stdout } = await run(process.execPath, ['script.mjs'], { cwd: folder, env, timeout: 15_000 })
  return JSON.parse(stdout)
}

it('the unchanged built-in fetch reaches twelve hosts over one connection', async () => {
  const server = await environment.server()
  const told = await play(
    `
    const dispatcher = new Dispatcher({ lookup })
    const restore = installGlobalDispatcher(dispatcher)
    const hosts = Array.from({ length: 12 }, (_, i) => 's' + i)
    const ask = async (host) => (await fetch(url(host))).text()
    // The first request alone: how long others wait for a handshake depends on time and has its own test.
    const texts = [await ask(hosts[0]), ...(await Promise.all(hosts.slice(1).map(ask)))]
    const dials = dispatcher.client.stats().totals.dials
    restore()
    await dispatcher.close()
    answer({ texts: new Set(texts).size, dials, restored: globalThis[V1] !== dispatcher && globalThis[V2] !== dispatcher })`,
    server.port,
  )
  expect(told).toEqual({ texts: 12, dials: 1, restored: true })
  expect(server.connections).toBe(1)
})

it('restoring brings the previous dispatcher back', async () => {
  const server = await environment.server()
  const told = await play(
    `
    const restore = installGlobalDispatcher(new Dispatcher({ lookup }))
    const ours = await (await fetch(url('a'))).text()
    restore()
    const server = (await import('node:http')).createServer((request, response) => response.end('theirs')).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const response = await fetch('http://127.0.0.1:' + server.address().port)
    const theirs = await response.text()
    server.close()
    server.closeAllConnections()
    restore()
    answer({ ours: ours.startsWith('hello from a.test'), theirs, empty: globalThis[V1] === undefined })`,
    server.port,
  )
  expect(told).toEqual({ ours: true, theirs: 'theirs', empty: false })
})

it('an undici loaded later uses it too', async () => {
  const server = await environment.server()
  const told = await play(
    `
    const dispatcher = new Dispatcher({ lookup })
    installGlobalDispatcher(dispatcher)
    const undici = require(${JSON.stringify(undici7)})
    const text = await (await undici.request(url('a'))).body.text()
    answer({ text: text.startsWith('hello'), same: undici.getGlobalDispatcher() === dispatcher })
    await dispatcher.close()`,
    server.port,
  )
  expect(told).toEqual({ text: true, same: true })
})

it("undici's own setGlobalDispatcher accepts it", async () => {
  const server = await environment.server()
  const told = await play(
    `
    const undici = require(${JSON.stringify(undici7)})
    const dispatcher = new Dispatcher({ lookup })
    undici.setGlobalDispatcher(dispatcher)
    const own = await (await undici.fetch(url('a'))).text()
    const builtIn = await (await fetch(url('b'))).text()
    answer({ own: own.startsWith('hello'), builtIn: builtIn.startsWith('hello'), dials: dispatcher.client.stats().totals.dials })
    await dispatcher.close()`,
    server.port,
  )
  expect(told).toEqual({ own: true, builtIn: true, dials: 1 })
})

it('CONNECT goes to the previous dispatcher', async () => {
  const server = await environment.server()
  const told = await play(
    `
    const taken = []
    void globalThis.Response
    const before = { dispatch: (options) => taken.push(options.method) > 0 }
    installGlobalDispatcher(before)
    const dispatcher = new Dispatcher({ lookup })
    const restore = installGlobalDispatcher(dispatcher)
    dispatcher.dispatch({ origin: url('a'), path: '/', method: 'CONNECT' }, { onError() {} })
    restore()
    answer({ taken, left: dispatcher.fallback === undefined, back: globalThis[V1] === before })
    await dispatcher.close()`,
    server.port,
  )
  expect(told).toEqual({ taken: ['CONNECT'], left: true, back: true })
})

it('our errors are the cause of the TypeError', async () => {
  const server = await environment.server()
  const told = await play(
    `
    const dispatcher = new Dispatcher({ lookup: (host, options, callback) => callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })) })
    installGlobalDispatcher(dispatcher)
    const error = await fetch(url('a')).catch((thrown) => thrown)
    answer([error.name, error.cause.code, error.cause.cause.code])
    await dispatcher.close()`,
    server.port,
  )
  expect(told).toEqual(['TypeError', 'ENOTFOUND', 'ENOTFOUND'])
})

it("Node's own WebSocket uses the client, if Node has one", async () => {
  const server = await environment.server({ handler: (_request, response) => void response.writeHead(200).end() })
  const told = await play(
    `
    const dispatcher = new Dispatcher({ lookup })
    installGlobalDispatcher(dispatcher)
    if (globalThis.WebSocket === undefined) answer(1)
    else await new Promise((resolve) => {
      // No WebSocket server listens there. Those that do are in the tests of @unshard/libraries, on newer versions of Node.
      const socket = new WebSocket('ws://127.0.0.1:${server.port}/')
      socket.onerror = () => resolve(answer(dispatcher.client.stats().totals.requests))
    })
    await dispatcher.close()`,
    server.port,
  )
  expect(told).toBe(1)
})
