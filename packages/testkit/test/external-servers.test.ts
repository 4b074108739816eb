// Every installed external server speaks HTTP/2 to node:http2, and has ended after stop().

import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { fileURLToPath } from 'node:url'
import { type Authority, type Credentials, createAuthority, externalServers, patternBytes, SMALL_TEXT } from '@unshard/testkit'
import { openSession, requestH2 } from './client.js'

let authority: Authority
let tls: Credentials
beforeAll(async () => {
  authority = await createAuthority()
  tls = await authority.issue({ names: ['localhost'], ips: ['127.0.0.1'] })
})

const names = Object.keys(externalServers) as (keyof typeof externalServers)[]

const connectCode = (port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(undefined)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
  })

test.each(names)('%s serves its documents, accepts an upload, and stops', async (name) => {
  const server = await externalServers[name]({ tls })
  if (server === undefined) return // The reason is on stderr.
  try {
    const session = await openSession(`https://127.0.0.1:${server.port}`, { ca: authority.ca })
    expect(session.alpnProtocol).toBe('h2')
    const get = (path: string) => requestH2(session, { ':path': path })
    const small = await get('/small.txt')
    expect([small.status, small.body.toString()]).toEqual([200, SMALL_TEXT])
    expect((await get('/index.html')).body.toString()).toContain('unshard')
    const json = (await get('/10k.json')).body
    expect(json.length).toBeGreaterThan(9_000)
    expect(json.length).toBeLessThan(12_000)
    expect(JSON.parse(json.toString())).toHaveLength(128)
    expect((await get('/1m.bin')).body.equals(patternBytes(1_048_576))).toBe(true)
    const upload = await requestH2(session, { ':method': 'POST', ':path': '/upload' }, patternBytes(300_000))
    expect([upload.status, upload.body.toString(), upload.error]).toEqual([200, 'ok', undefined])
    session.destroy()
  } finally {
    await server.stop()
  }
  expect(await connectCode(server.port)).toBe('ECONNREFUSED')
})

test('nginx reports the length of an upload, answers a POST with a document, and serves additional documents', async () => {
  const server = await externalServers.nginx({ tls, files: { 'more.txt': 'more' } })
  if (server === undefined) return
  try {
    const session = await openSession(`https://127.0.0.1:${server.port}`, { ca: authority.ca })
    const post = (path: string, bytes: number) =>
      requestH2(session, { ':method': 'POST', ':path': path, 'content-length': bytes }, patternBytes(bytes))
    const counted = await post('/upload-counted', 300_000)
    expect([counted.status, counted.body.toString()]).toEqual([200, '300000'])
    const json = await post('/10k.json', 1_000)
    expect(json.status).toBe(200)
    expect(JSON.parse(json.body.toString())).toHaveLength(128)
    expect((await requestH2(session, { ':path': '/more.txt' })).body.toString()).toBe('more')
    session.destroy()
  } finally {
    await server.stop()
  }
})

test.each(names.filter((name) => name !== 'nghttpd'))('%s drains old connections on reload() and keeps serving', async (name) => {
  const server = await externalServers[name]({ tls })
  if (server === undefined) return
  try {
    const session = await openSession(`https://127.0.0.1:${server.port}`, { ca: authority.ca })
    const get = () => requestH2(session, { ':path': '/small.txt' })
    await get()
    await server.reload?.()
    // HAProxy sends GOAWAY with the next response, not to an idle connection. Apache may close a
    // connection with a request in flight.
    while (!session.closed && !session.destroyed) {
      await get().catch(() => (session.destroyed ? undefined : once(session, 'close')))
    }
    // The old process may accept one more connection and close it without a response: only the new
    // process responds.
    let status: number | undefined
    while (status !== 200) {
      const next = await openSession(`https://127.0.0.1:${server.port}`, { ca: authority.ca })
      status = await requestH2(next, { ':path': '/small.txt' }).then(
        (response) => response.status,
        () => undefined,
      )
      next.destroy()
    }
    expect(status).toBe(200)
  } finally {
    await server.stop()
  }
})

test.each(names.filter((name) => name !== 'nghttpd'))('%s forwards to the server behind it, also in cleartext', async (name) => {
  const server = await externalServers[name]({ behind: (request, response) => response.end(`${request.method} ${request.url}`) })
  if (server === undefined) return
  try {
    const session = await openSession(`http://127.0.0.1:${server.port}`)
    const answer = await requestH2(session, { ':path': '/behind/it' })
    expect([answer.status, answer.body.toString()]).toEqual([200, 'GET /behind/it'])
    session.destroy()
  } finally {
    await server.stop()
  }
})

test('a paused server does not respond until it is resumed', async () => {
  const server = await externalServers.nghttpd({ tls })
  if (server === undefined) return
  try {
    const session = await openSession(`https://127.0.0.1:${server.port}`, { ca: authority.ca })
    server.pause()
    let answered = false
    const answer = requestH2(session, { ':path': '/small.txt' }).finally(() => {
      answered = true
    })
    expect(await connectCode(server.port)).toBeUndefined() // The kernel still accepts.
    expect(answered).toBe(false)
    server.resume()
    expect((await answer).status).toBe(200)
    session.destroy()
  } finally {
    await server.stop()
  }
})

test.each(names)('%s that cannot start fails with its output', async (name) => {
  const started = externalServers[name]({ tls: { cert: 'no certificate', key: tls.key } })
  const outcome = await started.catch((reason: Error) => reason.message)
  if (outcome === undefined) return
  expect(outcome).toMatch(/did not start on port \d+: .*(cert|pem)/is)
})

test('servers end with the process that started them, even if that was killed', async () => {
  const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
  const bundle = execFileSync(
    path('../../../node_modules/.bin/esbuild'),
    [path('../src/external-servers.ts'), '--bundle', '--platform=node', '--format=cjs', '--log-level=error'],
    { encoding: 'utf8' },
  )
  const code = `${bundle}
    const starts = Object.values(module.exports.externalServers)
    Promise.all(starts.map((start) => start({ tls: ${JSON.stringify(tls)} }))).then((servers) => {
      require('node:fs').writeSync(1, JSON.stringify(servers.map((server) => server?.port)))
      process.kill(process.pid, 'SIGKILL')
    })`
  const ports = await new Promise<string>((resolve) => {
    execFile(process.execPath, ['-e', code], (_error, stdout) => resolve(stdout))
  })
  for (const port of JSON.parse(ports) as (number | null)[]) {
    if (port !== null) while ((await connectCode(port)) === undefined);
  }
})
