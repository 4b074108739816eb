/** Runs curl and `unshard get` with the same arguments against the same servers, and collects what each did. */

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testWorld } from '@unshard/testkit'

const COMMAND = join(dirname(fileURLToPath(import.meta.url)), '../../../dist/bundle/cli/main.js')
/** Fields in which two clients differ without a difference for the server. */
const IGNORED_FIELDS = [
  'accept-encoding',
  'connection',
  'content-length',
  'date',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
]

/** What the servers saw of one request. */
export interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly authority: string
  readonly version: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What one command did. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly files: Readonly<Record<string, string>>
  readonly requests: readonly SeenRequest[]
  readonly stderr: string
}

/** One example. */
export interface Example {
  readonly args: readonly string[]
  /** Files of the working directory, by name. */
  readonly files?: Readonly<Record<string, string>>
  readonly stdin?: string
  readonly env?: Readonly<Record<string, string>>
}

type Request = IncomingMessage | Http2ServerRequest
type Response = ServerResponse | Http2ServerResponse

/** Servers for `http://` and `https://` URLs of any host, and both commands. Call once, at the top level of a test file. */
export function judge(answer: (request: Request, response: Response, body: string, count: number) => void): {
  /** Runs both commands. Available once the servers listen. */
  run(example: Example): Promise<{ curl: Outcome; unshard: Outcome }>
  socketPath(): string
} {
  const world = testWorld()
  let seen: SeenRequest[] = []
  const counts = new Map<string, number>()
  const ports = { http: 0, https: 0 }
  let folder = ''
  const handler = (request: Request, response: Response): void => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const body = Buffer.concat(parts).toString('latin1')
      seen.push(seenOf(request, body))
      const count = (counts.get(request.url!) ?? 0) + 1
      counts.set(request.url!, count)
      answer(request, response, body, count)
    })
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'unshard-judge-'))
    const tls = await world.authority.issue({ names: ['example.com', '*.example.com', 'localhost'] })
    await writeFile(join(folder, 'ca.pem'), world.authority.ca)
    const plain = createServer(handler)
    const unix = createServer(handler)
    const secure = createSecureServer({ ...tls, allowHTTP1: true }, handler)
    ports.http = await listening(plain)
    ports.https = await listening(secure)
    await new Promise<void>((resolve) => void unix.listen(join(folder, 'server.sock'), resolve))
    for (const server of [plain, unix, secure]) {
      servers.push(server)
      server.on('connection', (socket) => sockets.add(socket))
    }
  })
  const servers: { close(): unknown }[] = []
  const sockets = new Set<Socket>()
  afterAll(async () => {
    for (const socket of sockets) socket.destroy()
    for (const server of servers) server.close()
    await rm(folder, { recursive: true })
  })

  const runOne = async (program: readonly string[], { args, files = {}, stdin = '', env = {} }: Example): Promise<Outcome> => {
    const cwd = await mkdtemp(join(folder, 'work-'))
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(cwd, name)), { recursive: true })
      await writeFile(join(cwd, name), content)
    }
    seen = []
    counts.clear()
    const route = ['--connect-to', `:80:127.0.0.1:${ports.http}`, '--connect-to', `:443:127.0.0.1:${ports.https}`]
    const [command = '', ...before] = program
    const all = [...before, '--cacert', join(folder, 'ca.pem'), ...route, ...args.map((arg) => arg.replace('$FOLDER', folder))]
    const { code, stdout, stderr } = await new Promise<Pick<Outcome, 'code' | 'stdout' | 'stderr'>>((resolve) => {
      const options = { cwd, encoding: 'latin1', env: { PATH: process.env['PATH'], HOME: cwd, ...env } } as const
      const child = execFile(command, all, options, (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout: out, stderr: err })
      })
      child.stdin!.end(stdin)
    })
    return { code, stdout, stderr, files: await filesOf(cwd), requests: seen }
  }
  return {
    socketPath: () => join(folder, 'server.sock'),
    run: async (example) => ({
      curl: await runOne(['curl', '-s'], example),
      unshard: await runOne([process.execPath, COMMAND, 'get', '-s'], example),
    }),
  }
}

/** Removes what two clients may do in different ways. */
export function comparable({ code, stdout, files, requests }: Outcome): unknown {
  return {
    code,
    stdout: comparableText(stdout),
    files: Object.fromEntries(Object.entries(files).map(([name, content]) => [name, comparableText(content)])),
    requests: requests.map((request) => ({ ...request, body: comparableForm(request.body) })).toSorted(byUrl),
  }
}

function byUrl(a: SeenRequest, b: SeenRequest): number {
  return a.url < b.url ? -1 : a.url > b.url ? 1 : 0
}

/** Heads are compared with names in lower case, without the date. */
function comparableText(text: string): string {
  if (!text.includes('HTTP/')) return text
  return text
    .split('\r\n')
    .map((line) => line.replace(/^[A-Za-z-]+:/, (name) => name.toLowerCase()).trimEnd())
    .filter((line) => !/^(?:date|connection|keep-alive):/.test(line))
    .join('\n')
}

/** Boundaries are random; names of fields have no case. */
function comparableForm(body: string): string {
  const boundary = /^--([^\r\n]+)\r\n/.exec(body)?.[1]
  if (boundary === undefined) return body
  return body.replaceAll(boundary, 'BOUNDARY').replace(/\r\n[A-Za-z-]+: /g, (name) => name.toLowerCase())
}

function seenOf(request: Request, body: string): SeenRequest {
  const { method = '', url = '', httpVersion, headers } = request
  const fields = Object.entries(headers).filter(
    ([name, value]) => !name.startsWith(':') && name !== 'host' && value !== undefined && !IGNORED_FIELDS.includes(name),
  )
  const own = fields
    .map(([name, value]) => [name, comparableField(name, String(value))] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  const authority = String(headers[':authority'] ?? headers.host ?? '')
  return {
    method,
    url,
    authority,
    version: httpVersion,
    headers: Object.fromEntries(own),
    body: body.length > 10_000 ? hashOf(body) : body,
  }
}

function comparableField(name: string, value: string): string {
  if (name === 'user-agent') return value.replace(/^(?:curl|unshard)\/[0-9.]+$/, 'default')
  return name === 'content-type' ? value.replace(/boundary=.*/, 'boundary') : value
}

function hashOf(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex')
}

async function filesOf(cwd: string): Promise<Record<string, string>> {
  const names = await readdir(cwd, { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const contents = await Promise.all(
    files.toSorted().map(async (path) => [path.slice(cwd.length + 1), await readFile(path, 'latin1')] as const),
  )
  return Object.fromEntries(contents)
}

async function listening(server: {
  listen(port: number, host: string, done: () => void): unknown
  address(): AddressInfo | string | null
}): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}
