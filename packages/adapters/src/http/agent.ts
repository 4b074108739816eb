/**
 * An agent for libraries that take nothing else: Node's own `ClientRequest` writes HTTP/1.1 into a socket in memory, on whose other side
 * each request is made by a client.
 */

import { type ClientRequest, createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import { Agent as HttpsAgent, type RequestOptions } from 'node:https'
import { pipeline } from 'node:stream'
import { type Client, type RequestOptions as ClientOptions, Fields, type HttpResponse } from '@unshard/core'
import { fieldList, invalidOption, ownOptions } from '@unshard/core/internal'
import { checkClient } from '../observation/check-client.js'
import { BridgeSocket } from './bridge-socket.js'
import { toNodeError } from './errors.js'
import { pairsOf } from './message-fields.js'
import { baseOf, refuseConnectionOptions } from './target.js'
import { serveUpgrade } from './upgrade.js'

/** Options of {@link createAgent}. */
export interface HttpAgentOptions {
  /** Scheme of its requests: an agent serves `http.request` or `https.request`, not both. @default `https:` */
  readonly protocol?: 'http:' | 'https:'
}

/**
 * Returns an agent for `http.request()`, `https.request()` and the libraries over them: its requests share the connections of a client,
 * over HTTP/2 where the server has it. Requests and responses are those of Node, which shows HTTP/1.1. Each takes four to
 * five times the CPU time of a request of Node on an open connection: a library that takes a `request` function is faster with
 * {@link createRequest}.
 *
 * Its limits, such as `maxSockets`, have no effect: those of the client apply. `destroy()` does not close the client.
 * @throws UsageError `ERR_INVALID_OPTION`, `ERR_UNKNOWN_OPTION`.
 */
export function createAgent(client: Client, options: HttpAgentOptions = {}): HttpsAgent {
  checkClient(client)
  const { protocol = 'https:' } = ownOptions(options, new Set(['protocol']), '', 'createAgent()')
  if (protocol !== 'http:' && protocol !== 'https:') throw invalidOption('protocol', "'http:' or 'https:'", protocol)
  return new ClientAgent(client, protocol)
}

class ClientAgent extends HttpsAgent {
  readonly protocol: string
  readonly defaultPort: number
  readonly #bridge: Bridge

  constructor(client: Client, protocol: string) {
    super()
    this.protocol = protocol
    this.defaultPort = protocol === 'https:' ? 443 : 80
    this.#bridge = new Bridge(client)
  }

  /** Called by Node for each request. @throws UsageError `ERR_INVALID_OPTION`. */
  addRequest(request: ClientRequest, options: RequestOptions): void {
    const host = options.host ?? options.hostname ?? 'localhost'
    // With an agent, Node ignores `createConnection` of a request as well; `ws` always has one.
    refuseConnectionOptions({ ...options, agent: undefined, createConnection: undefined }, host)
    const { port, socketPath } = options
    const socket = this.#bridge.open(baseOf(this.protocol, { host, port, socketPath }))
    if (options.timeout !== undefined) socket.setTimeout(options.timeout)
    request.onSocket(socket as never)
  }
}

/** Makes the requests that arrive on sockets in memory. */
class Bridge {
  readonly #client: Client
  readonly #server: Server
  readonly #targets = new WeakMap<object, { readonly base: string; readonly socket: BridgeSocket }>()

  constructor(client: Client) {
    this.#client = client
    // Limits are for peers: these requests come from this process.
    this.#server = createServer({ maxHeaderSize: 1 << 30, requestTimeout: 0, headersTimeout: 0, insecureHTTPParser: false })
    this.#server.timeout = 0
    this.#server.keepAliveTimeout = 0
    this.#server.maxHeadersCount = 0
    const serve = (request: IncomingMessage, response: ServerResponse): void => this.#serve(request, response)
    this.#server.on('upgrade', (request, far, head) => {
      const { base, socket: near } = this.#targets.get(far)!
      void serveUpgrade(this.#client, { request, fields: fieldsOf(request), base, near, far, head })
    })
    this.#server.on('request', serve).on('checkContinue', serve).on('checkExpectation', serve)
  }

  /** Returns a socket to the origin. */
  open(base: string): BridgeSocket {
    const [near, far] = BridgeSocket.pair(base.startsWith('https'))
    this.#targets.set(far, { base, socket: near })
    this.#server.emit('connection', far)
    return near
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { base, socket } = this.#targets.get(request.socket)!
    const controller = new AbortController()
    response.once('close', () => controller.abort())
    const fail = (error: unknown): void => void socket.destroy(toNodeError(error))
    const options = { ...requestOf(request, response, base), signal: controller.signal }
    this.#client
      .request(options)
      .then((answer) => {
        socket.connection = answer.connection
        send(answer, request.method!, response, fail)
      })
      .catch(fail)
  }
}

function requestOf(request: IncomingMessage, response: ServerResponse, base: string): ClientOptions {
  const { headers } = request
  const hasContent = headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
  return {
    ...{ method: request.method!, url: base + request.url!, headers: new Fields(fieldsOf(request)) },
    ...(hasContent && { body: request }),
    ...{ redirect: 'manual', retry: false, keepDotSegments: true },
    onInformational(status, fields) {
      if (status === 100) response.writeContinue()
      else if (status === 103) sendHints(response, fields)
    },
  }
}

/** Fields of the connection in memory (RFC 9110 §7.6.1) and of its framing: the connection of the client has its own. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding'])

function fieldsOf({ rawHeaders }: IncomingMessage): string[] {
  return rawHeaders.filter((_, i) => !OF_THE_CONNECTION.has(rawHeaders[i - (i % 2)]!.toLowerCase()))
}

/** Node refuses some links that are valid. Hints may be dropped (RFC 8297 §2). */
function sendHints(response: ServerResponse, fields: readonly string[]): void {
  try {
    response.writeEarlyHints(hintsOf(fields))
  } catch {
    // Dropped.
  }
}

function hintsOf(fields: readonly string[]): Record<string, string[]> & { link: string[] } {
  const hints: Record<string, string[]> & { link: string[] } = { link: [] }
  for (let i = 0; i < fields.length; i += 2) hints[fields[i]!] = [...(hints[fields[i]!] ?? []), fields[i + 1]!]
  return hints
}

function send(answer: HttpResponse, method: string, response: ServerResponse, fail: (error: unknown) => void): void {
  // The server's `date`, or none.
  response.sendDate = false
  response.writeHead(
    answer.status,
    answer.statusText || (STATUS_CODES[answer.status] ?? ''),
    fieldList(answer.headers) as string[],
  )
  if (method === 'HEAD') {
    answer.discard()
    return void response.end()
  }
  const content = answer.nodeStream()
  content.once('end', () => response.addTrailers(pairsOf(fieldList(answer.trailers!))))
  pipeline(content, response, (error) => {
    if (error) fail(error)
  })
}
