/** Servers of three implementations of gRPC: `@grpc/grpc-js`, the C core by Python, and grpc-go. */

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Credentials, startGo } from '@unshard/testkit'
import { startGrpcJs } from './grpc-js-server.js'

const programs = join(dirname(fileURLToPath(import.meta.url)), 'programs')
/** Debian's, whose package python3-grpcio needs no compiler. */
const PYTHON = '/usr/bin/python3'

/** What a server can do beside what all can. */
export interface InteropServer {
  readonly name: string
  /** Whether it checks if requests are compressed. */
  readonly checksRequests: boolean
  /** Whether the client decides which responses are compressed. */
  readonly compressesResponses: boolean
  /** Resolves with undefined if the server is not installed. */
  start(tls: Credentials): Promise<RunningServer | undefined>
}

export interface RunningServer {
  readonly port: number
  stop(): unknown
}

/** The servers. */
export const SERVERS: readonly InteropServer[] = [
  {
    name: 'grpc-js',
    checksRequests: false,
    compressesResponses: false,
    start: ({ cert, key }) => startGrpcJs(cert, key),
  },
  { name: 'C core', checksRequests: false, compressesResponses: true, start: startPython },
  { name: 'grpc-go', checksRequests: true, compressesResponses: false, start: startGrpcGo },
]

async function startGrpcGo({ cert, key }: Credentials): Promise<RunningServer | undefined> {
  const source = await readFile(join(programs, 'server.go'), 'utf8')
  return startGo(source, { 'cert.pem': cert, 'key.pem': key }, 'google.golang.org/grpc')
}

async function startPython({ cert, key }: Credentials): Promise<RunningServer | undefined> {
  if (spawnSync(PYTHON, ['-c', 'import grpc']).status !== 0) {
    process.stderr.write('python3-grpcio is not installed: tests with it are skipped\n')
    return undefined
  }
  const folder = await mkdtemp(join(tmpdir(), 'unshard-python-'))
  const files = { 'cert.pem': cert, 'key.pem': key }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  // It ends with its standard input, which closes with this process.
  const child = spawn(PYTHON, [join(programs, 'server.py'), 'cert.pem', 'key.pem'], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const first = once(child.stdout, 'data')
  const started = await Promise.race([first, exited.then(() => undefined)])
  if (started === undefined) throw new Error('the Python server ended before it has listened')
  return {
    port: Number.parseInt(String(started[0]), 10),
    async stop() {
      child.kill('SIGKILL')
      await exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}
