/** Servers on Node.js in another process, and clients that resolve every host to them. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type Client, type ClientOptions, createClient, type HttpResponse } from 'unshard'
import type { ServerReport } from '../src/server-report.js'

/** Paths of Node.js and of the servers, from the program that runs the suites. */
const [NODE = process.execPath, SERVER = ''] = (process.env['UNSHARD_SERVER'] ?? '').split('\n')

/** Options of a client; `undefined` removes a default. */
type Given = { [K in keyof ClientOptions]?: ClientOptions[K] | undefined }

/** The servers of a test file, and its clients. */
export interface Servers {
  readonly report: ServerReport
  /** Creates a client that trusts the servers, and destroys it after the test. */
  client(options?: Given): Client
}

/** Call once, at the top level of a test file. */
export function useServers(): Servers {
  let report: ServerReport
  let stop = (): void => undefined
  const clients: Client[] = []
  beforeAll(async () => {
    const child = spawn(NODE, [SERVER], { stdio: ['pipe', 'pipe', 'inherit'] })
    stop = () => void child.stdin.end()
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    report = JSON.parse(line) as ServerReport
  })
  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy()
  })
  afterAll(() => stop())
  return {
    get report() {
      return report
    },
    client({ tls, ...options } = {}) {
      const client = createClient({ tls: { ca: report.ca, ...tls }, lookup, ...options } as ClientOptions)
      clients.push(client)
      return client
    },
  }
}

/** Resolves every name to this machine. */
const lookup: NonNullable<ClientOptions['lookup']> = (_name, options, callback) => {
  const address = { address: '127.0.0.1', family: 4 }
  queueMicrotask(() => (options.all === true ? callback(null, [address]) : callback(null, address.address, 4)))
}

/** The 12 hosts of a family, such as `named`. */
export function hosts(family: string): string[] {
  return Array.from({ length: 12 }, (_, number) => `h${number}.${family}.example`)
}

/** What one response says about its connection, from both ends. */
export interface Answer {
  readonly status: number
  readonly because: string
  /** Number of the connection, by the server. */
  readonly connection: number
  /** The server name of the handshake. */
  readonly name: string
  /** Whether the server resumed a session. */
  readonly resumed: boolean
}

/** Reads the response to its end. */
export async function answerOf(response: HttpResponse): Promise<Answer> {
  await response.text()
  const { status, headers, connection } = response
  return {
    status,
    because: connection.because,
    connection: Number(headers.get('x-connection')),
    name: headers.get('x-name') ?? '',
    resumed: headers.get('x-resumed') === 'true',
  }
}
