/** The pool with real servers and processes, for effects that fakes cannot show. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { clientFixture } from '../client/fixture.js'

const fixture = clientFixture()
const { client: createClient, server, tls, defer } = fixture

describe('HTTP/1.1', () => {
  it('opens at most 6 connections for 60 requests, some of them aborted', async () => {
    const origin = await server({ protocols: ['http/1.1'] })
    const client = createClient()
    const aborts = Array.from({ length: 10 }, () => new AbortController())
    const requests = Array.from({ length: 60 }, async (_, i) => {
      const abort = i % 6 === 5 ? aborts[(i - 5) / 6]! : undefined
      const url = `https://a.test.example:${origin.port}/bytes/${i}`
      const response = await client.request({ url, ...(abort && { signal: abort.signal }) })
      return (await response.bytes()).length
    })
    const settled = Promise.allSettled(requests)
    for (const abort of aborts) abort.abort('left')
    const outcomes = await settled
    outcomes.forEach((outcome, i) => {
      if (i % 6 === 5) expect(outcome).toEqual({ status: 'rejected', reason: 'left' })
      else expect(outcome).toEqual({ status: 'fulfilled', value: i })
    })
    expect(origin.connections).toBe(6)
  })

  it('sends each of 40 requests once to a server that closes after every response', async () => {
    const origin = await server({
      protocols: ['http/1.1'],
      handler: (request, response) => {
        response.setHeader('connection', 'close')
        response.end(request.url)
      },
    })
    const client = createClient()
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, i) =>
        (await client.request({ url: `https://a.test.example:${origin.port}/${i}`, method: 'POST', body: 'once' })).text(),
      ),
    )
    expect(answers).toEqual(Array.from({ length: 40 }, (_, i) => `/${i}`))
    expect(origin.requests).toHaveLength(40)
    expect(client.stats().totals).toMatchObject({ replayed: 0 })
  })

  it('closes the connection of an aborted request, without effect on other requests', async () => {
    const origin = await server({ protocols: ['http/1.1'] })
    const client = createClient({ maxConnectionsPerOrigin: { 'http/1.1': 1 } })
    const base = `https://a.test.example:${origin.port}`
    const abort = new AbortController()
    const never = client.request({ url: `${base}/never`, signal: abort.signal })
    await origin.delivered(1)
    const next = client.request({ url: `${base}/bytes/7`, method: 'POST', body: 'x' })
    abort.abort('left')
    await expect(never).rejects.toBe('left')
    expect(await (await next).bytes()).toHaveLength(7)
    expect(client.stats().totals).toMatchObject({ replayed: 0, dials: 2 })
  })
})

describe('a server that closes every connection at once', () => {
  it.each([
    ['before TLS', async () => createServer((socket) => socket.destroy())],
    ['after the handshake, in HTTP/2', async () => createTlsServer({ ...(await tls()), ALPNProtocols: ['h2'] }, destroyAtOnce)],
    [
      'after the handshake, in HTTP/1.1',
      async () => createTlsServer({ ...(await tls()), ALPNProtocols: ['http/1.1'] }, destroyAtOnce),
    ],
    ['at the first request', async () => createTlsServer({ ...(await tls()), ALPNProtocols: ['http/1.1'] }, destroyAtData)],
  ])('%s: the server is dialed a limited number of times, and every request fails', async (_when, make) => {
    const listening = await make()
    let connections = 0
    listening.on('connection', (socket: Socket) => {
      connections++
      socket.on('error', () => undefined)
    })
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
    defer(() => void listening.close())
    const { port } = listening.address() as { port: number }
    const client = createClient()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => client.request({ url: `https://a.test.example:${port}/` })),
    )
    expect(outcomes.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 'rejected'))
    // At most two attempts per request.
    expect(connections).toBeLessThanOrEqual(40)
    expect(client.stats().connections).toEqual([])
  })
})

function destroyAtOnce(socket: Socket): void {
  socket.on('error', () => undefined)
  socket.destroy()
}

function destroyAtData(socket: Socket): void {
  socket.on('error', () => undefined)
  socket.once('data', () => socket.destroy())
}

// A child process runs the built package: jest itself would keep the process alive.
describe('a process', () => {
  const child = async (
    body: string,
    port: number,
  ): Promise<{ lines: (readonly [line: string, at: number])[]; exitedAt: number }> => {
    const folder = mkdtempSync(join(tmpdir(), 'unshard-child-'))
    defer(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'main.mjs')
    const built = new URL('../../dist/index.js', import.meta.url).href
    const lookup = `(_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }])`
    writeFileSync(
      file,
      `import { Client } from ${JSON.stringify(built)}
       const client = new Client({ tls: { ca: process.env.TEST_CA }, lookup: ${lookup} })
       const base = 'https://a.test.example:${port}'
       ${body}`,
    )
    const running = spawn(process.execPath, [file], {
      env: { ...process.env, NODE_OPTIONS: '', TEST_CA: fixture.authority.ca },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    defer(() => running.kill('SIGKILL'))
    const lines: (readonly [string, number])[] = []
    running.stdout.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) if (line !== '') lines.push([line, performance.now()])
      running.emit('line')
    })
    children.add(running)
    const [code] = await once(running, 'close')
    const exitedAt = performance.now()
    expect(code).toBe(0)
    return { lines, exitedAt }
  }
  const children = new Set<NodeJS.EventEmitter>()
  afterEach(() => children.clear())

  it.each(['h2', 'http/1.1'] as const)('over %s exits after the last response, without close()', async (protocol) => {
    const { port } = await server({ protocols: [protocol] })
    const { lines, exitedAt } = await child(
      `for (let i = 0; i < 3; i++) await (await client.request({ url: base + '/bytes/10' })).bytes()
       process.stdout.write('done\\n')`,
      port,
    )
    expect(lines.map(([line]) => line)).toEqual(['done'])
    // Expected: 100 ms. The limit is generous, as the machine may be busy.
    expect(exitedAt - lines[0]![1]).toBeLessThan(2_000)
  })

  it.each(['h2', 'http/1.1'] as const)(
    'over %s with a response in flight does not exit before the response is complete',
    async (protocol) => {
      const origin = await server({ protocols: [protocol] })
      const running = child(
        `const response = await client.request({ url: base + '/slow' })
       process.stdout.write('headers\\n')
       response.text().then((text) => process.stdout.write(text + '\\n'))`,
        origin.port,
      )
      const [process] = children
      await once(process as NodeJS.EventEmitter, 'line')
      // The child only waits now. A round trip of another client follows its opportunity to exit.
      const client = createClient()
      for (let i = 0; i < 20; i++) await (await client.request({ url: `https://a.test.example:${origin.port}/bytes/1` })).bytes()
      origin.release()
      const { lines } = await running
      expect(lines.map(([line]) => line)).toEqual(['headers', 'released'])
    },
  )

  it("keeps Node's own fetch unchanged after a fallback to HTTP/1.1", async () => {
    const { port } = await server({ protocols: ['http/1.1'] })
    const { lines } = await child(
      `const key = Symbol.for('undici.globalDispatcher.1')
       const look = () => globalThis[key]
       const unused = look()
       await fetch('data:,x')
       const before = look()
       const response = await client.request({ url: base + '/bytes/10' })
       await response.bytes()
       await fetch('data:,x')
       console.log(response.connection.protocol)
       console.log(before === look() && before?.constructor === look()?.constructor)
       console.log(unused === undefined || unused === look())`,
      port,
    )
    expect(lines.map(([line]) => line)).toEqual(['http/1.1', 'true', 'true'])
  })
})
