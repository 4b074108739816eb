/** The log of TLS secrets: files, functions, SSLKEYLOGFILE, failures. */

import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer, type SecureVersion, type TlsOptions as ServerOptions } from 'node:tls'
import { KeyLog, keyLogTarget } from '../../../src/connect/tls/key-log.js'
import { Client } from '../../../src/index.js'
import { clientFixture } from '../../client/fixture.js'

const fixture = clientFixture()
const { client: createClient, defer } = fixture
const environment = process.env['SSLKEYLOGFILE']
let directory: string
beforeEach(async () => {
  delete process.env['SSLKEYLOGFILE']
  directory = await mkdtemp(join(tmpdir(), 'key-log-'))
})
afterEach(async () => {
  if (environment === undefined) delete process.env['SSLKEYLOGFILE']
  else process.env['SSLKEYLOGFILE'] = environment
  await rm(directory, { recursive: true, force: true })
})

interface LoggingServer {
  readonly url: string
  /** The lines that the server logged, which contain the secrets of both ends. */
  readonly lines: string[]
  readonly reused: boolean[]
}

/** An HTTP/1.1 server that logs its secrets and closes the connection after each response. */
async function loggingServer(options: ServerOptions = {}): Promise<LoggingServer> {
  const [lines, reused]: [string[], boolean[]] = [[], []]
  const server = createTlsServer({ ...(await fixture.tls()), ALPNProtocols: ['http/1.1'], ...options }, (socket) => {
    reused.push(socket.isSessionReused())
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'))
  })
  server.on('keylog', (line: Buffer) => lines.push(line.toString()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  defer(() => server.close())
  return { url: `https://a.test.example:${(server.address() as { port: number }).port}/`, lines, reused }
}

const sendRequests = async (client: Client, url: string, times = 1): Promise<void> => {
  for (let i = 0; i < times; i++) await (await client.request({ url })).text()
}
const sorted = (lines: readonly string[]): string[] => [...lines].sort()
const read = async (path: string): Promise<string[]> => (await readFile(path, 'latin1')).split(/(?<=\n)/)

const LABELS: Partial<Record<SecureVersion, string[]>> = {
  'TLSv1.2': ['CLIENT_RANDOM'],
  'TLSv1.3': [
    'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
    'CLIENT_TRAFFIC_SECRET_0',
    'EXPORTER_SECRET',
    'SERVER_HANDSHAKE_TRAFFIC_SECRET',
    'SERVER_TRAFFIC_SECRET_0',
  ],
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('a client with %s', (version) => {
  it('logs the same secrets as the server, for full and resumed handshakes', async () => {
    const server = await loggingServer({ minVersion: version, maxVersion: version })
    const lines: string[] = []
    const client = createClient({ tls: { ca: fixture.authority.ca, keylog: (line) => void lines.push(line.toString()) } })
    await sendRequests(client, server.url, 2)
    expect(server.reused).toEqual([false, true])
    expect(sorted(lines)).toEqual(sorted(server.lines))
    const labels = sorted([...LABELS[version]!, ...LABELS[version]!])
    expect(sorted(lines.map((line) => line.split(' ')[0]!))).toEqual(labels)
    for (const line of lines) expect(line).toMatch(/^\w+ [0-9a-f]{64} [0-9a-f]{64,96}\n$/)
  })
})

describe('a key log file', () => {
  it('named by the option is appended to, and readable only by its owner', async () => {
    const server = await loggingServer()
    const path = join(directory, 'keys')
    for (let i = 0; i < 2; i++) {
      const client = createClient({ tls: { ca: fixture.authority.ca, keylog: path } })
      await sendRequests(client, server.url)
      await client.close()
    }
    expect(sorted(await read(path))).toEqual(sorted(server.lines))
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  it('is shared by the clients of a process until the last of them closes', async () => {
    const server = await loggingServer()
    const path = join(directory, 'keys')
    const [client, second] = [path, path].map((keylog) => createClient({ tls: { ca: fixture.authority.ca, keylog } })) as [
      Client,
      Client,
    ]
    await Promise.all([sendRequests(client, server.url), sendRequests(second, server.url)])
    await client.close()
    await sendRequests(second, server.url)
    second.destroy()
    expect(sorted(await read(path))).toEqual(sorted(server.lines))
  })

  it.each([undefined, true])('named by SSLKEYLOGFILE is written if the option is %s', async (keylog) => {
    const server = await loggingServer()
    const path = join(directory, 'from-environment')
    process.env['SSLKEYLOGFILE'] = path
    const client = createClient({ tls: { ca: fixture.authority.ca, ...(keylog !== undefined && { keylog }) } })
    delete process.env['SSLKEYLOGFILE']
    await sendRequests(client, server.url)
    expect(sorted(await read(path))).toEqual(sorted(server.lines))
  })

  it('named by SSLKEYLOGFILE is ignored if the option is false or names another file', async () => {
    const server = await loggingServer()
    process.env['SSLKEYLOGFILE'] = join(directory, 'from-environment')
    await sendRequests(createClient({ tls: { ca: fixture.authority.ca, keylog: false } }), server.url)
    await sendRequests(createClient({ tls: { ca: fixture.authority.ca, keylog: join(directory, 'keys') } }), server.url)
    await expect(stat(process.env['SSLKEYLOGFILE'])).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('a key log that cannot be written', () => {
  const warnings: (string | undefined)[] = []
  const { emitWarning } = process
  beforeEach(() => {
    warnings.length = 0
    process.emitWarning = ((message: string, { code }: { code?: string }) => void warnings.push(code, message)) as never
  })
  afterEach(() => {
    process.emitWarning = emitWarning
  })

  it('causes a UsageError if the option names it', () => {
    const keylog = join(directory, 'missing', 'keys')
    expect(() => new Client({ tls: { keylog } })).toThrow(
      expect.objectContaining({ name: 'UsageError', code: 'ERR_INVALID_OPTION', message: expect.stringContaining('tls.keylog') }),
    )
  })

  it.each(['', 7, {}, null])('causes a UsageError if it is not a valid option: %j', (keylog) => {
    expect(() => keyLogTarget(keylog as never, {})).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
  })

  it('causes a warning if the environment names it', () => {
    expect(keyLogTarget(undefined, { SSLKEYLOGFILE: directory })).toBeUndefined()
    expect(warnings).toEqual(['UNSHARD_KEYLOG', expect.stringContaining('SSLKEYLOGFILE')])
    expect(keyLogTarget(true, { SSLKEYLOGFILE: '' })).toBeUndefined()
  })

  it('causes one warning if it fails later, and requests continue', async () => {
    const server = await loggingServer()
    let calls = 0
    const keylog = (): never => {
      calls++
      throw new Error('full')
    }
    await sendRequests(createClient({ tls: { ca: fixture.authority.ca, keylog } }), server.url, 2)
    expect(warnings).toEqual(['UNSHARD_KEYLOG', expect.stringContaining('full')])
    expect(calls).toBe(1)
  })

  it('is not opened after the client is closed', async () => {
    const path = join(directory, 'keys')
    const log = new KeyLog(path)
    log.close()
    log.write(Buffer.from('line\n'))
    log.close()
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('causes a warning if its directory was deleted in the meantime', () => {
    const log = new KeyLog(join(directory, 'missing', 'keys'))
    log.write(Buffer.from('line\n'))
    log.close()
    expect(warnings).toEqual(['UNSHARD_KEYLOG', expect.stringContaining('ENOENT')])
  })
})

it.each(['SSLKEYLOGFILE', 'tls.keylog'])('a pipe without a reader that %s names blocks nothing', async (setting) => {
  const path = join(directory, 'pipe')
  execFileSync('mkfifo', [path])
  if (setting === 'tls.keylog') {
    expect(() => keyLogTarget(path, {})).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
    return
  }
  const { emitWarning } = process
  const warnings: string[] = []
  process.emitWarning = ((message: string) => void warnings.push(message)) as never
  expect(keyLogTarget(undefined, { SSLKEYLOGFILE: path })).toBeUndefined()
  process.emitWarning = emitWarning
  expect(warnings).toEqual([expect.stringContaining('ENXIO')])
})
