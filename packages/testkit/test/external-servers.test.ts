// Each foreign server that is installed here speaks HTTP/2 to node:http2, and is gone after stop().
import { execFile, execFileSync } from 'node:child_process'
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

const connectCode = (port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(undefined)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
  })

test.each(['nghttpd', 'nginx', 'h2o'] as const)('%s serves its documents, takes an upload, and stops', async (name) => {
  const server = await externalServers[name]({ tls })
  if (server === undefined) return // the reason is on stderr
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

test('nginx drains old connections on reload() and serves on', async () => {
  const server = await externalServers.nginx({ tls })
  if (server === undefined) return
  try {
    const session = await openSession(`https://127.0.0.1:${server.port}`, { ca: authority.ca })
    await requestH2(session, { ':path': '/small.txt' })
    const drained = new Promise((resolve) => {
      session.once('close', resolve)
    })
    server.reload?.()
    await drained
    const next = await openSession(`https://127.0.0.1:${server.port}`, { ca: authority.ca })
    expect((await requestH2(next, { ':path': '/small.txt' })).status).toBe(200)
    next.destroy()
  } finally {
    await server.stop()
  }
})

test('a paused server is silent until it is resumed', async () => {
  const server = await externalServers.nghttpd({ tls })
  if (server === undefined) return
  try {
    const session = await openSession(`https://127.0.0.1:${server.port}`, { ca: authority.ca })
    server.pause()
    let answered = false
    const answer = requestH2(session, { ':path': '/small.txt' }).finally(() => {
      answered = true
    })
    expect(await connectCode(server.port)).toBeUndefined() // the kernel still accepts
    expect(answered).toBe(false)
    server.resume()
    expect((await answer).status).toBe(200)
    session.destroy()
  } finally {
    await server.stop()
  }
})

test('a server that cannot start fails with what it said', async () => {
  if ((await externalServers.nginx({ tls }).then((server) => server?.stop().then(() => true))) !== true) return
  await expect(externalServers.nginx({ tls: { cert: 'no certificate', key: tls.key } })).rejects.toThrow(
    /nginx did not start.*cert\.pem/s,
  )
})

test('a server dies with the process that started it, however that died', async () => {
  const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
  const bundle = execFileSync(
    path('../../../node_modules/.bin/esbuild'),
    [path('../src/external-servers.ts'), '--bundle', '--platform=node', '--format=cjs', '--log-level=error'],
    { encoding: 'utf8' },
  )
  const code = `${bundle}
    module.exports.startNghttpd({ tls: ${JSON.stringify(tls)} }).then((server) => {
      require('node:fs').writeSync(1, String(server?.port))
      process.kill(process.pid, 'SIGKILL')
    })`
  const port = await new Promise<string>((resolve) => {
    execFile(process.execPath, ['-e', code], (_error, stdout) => resolve(stdout))
  })
  if (port === 'undefined') return
  expect(Number(port)).toBeGreaterThan(0)
  while ((await connectCode(Number(port))) === undefined);
})
