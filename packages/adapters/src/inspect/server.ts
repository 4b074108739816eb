/**
 * The server of the live page, on 127.0.0.1. It answers only requests for its own names (against DNS rebinding)
 * and with its token, which only readers of the URL know.
 */

import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { UsageError } from '@unshard/core'
import { pageHtml, policyOf } from './page-html.js'
import { MAX_SUBSCRIBERS, type Subscribers } from './subscribers.js'

/** Names of this machine for itself. */
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]']
const ADDRESS = '127.0.0.1'
/** Bytes of the token. */
const TOKEN_BYTES = 24
/** Maximum number of sockets: a browser opens six. */
const MAX_SOCKETS = 100
const EVENTS = 'events'

const HEADERS = {
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const
const NO_PAGE = "default-src 'none'; frame-ancestors 'none'"

/** The server. */
export class InspectServer {
  readonly #server: Server
  readonly #subscribers: Subscribers
  readonly #title: string
  readonly #token: string = randomBytes(TOKEN_BYTES).toString('base64url')
  port = 0

  /** @param keepProcess whether the server keeps the process alive. */
  constructor(subscribers: Subscribers, title: string, keepProcess: boolean) {
    this.#subscribers = subscribers
    this.#title = title
    this.#server = createServer((request, response) => this.#answer(request, response))
    this.#server.maxConnections = MAX_SOCKETS
    if (keepProcess) return
    this.#server.unref()
    this.#server.on('connection', (socket) => socket.unref())
  }

  get url(): string {
    return `http://${ADDRESS}:${this.port}/${this.#token}/`
  }

  /** @throws UsageError `ERR_INSPECT_LISTEN`. */
  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause: Error) => {
        reject(new UsageError('ERR_INSPECT_LISTEN', `cannot listen on ${ADDRESS}:${port}: ${cause.message}`, { cause }))
      })
      this.#server.listen(port, ADDRESS, () => {
        this.port = (this.#server.address() as AddressInfo).port
        resolve()
      })
    })
  }

  /** Ends all connections. */
  close(): Promise<void> {
    this.#subscribers.end()
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { method, url = '' } = request
    if (!this.#isForThis(request.headers.host)) return refuse(response, 403, 'Forbidden: not a name of this server.')
    const [, token = '', file, ...rest] = url.split('?', 1)[0]!.split('/')
    if (!this.#isToken(token) || rest.length > 0) return refuse(response, 404, 'Not found.')
    if (method !== 'GET' && method !== 'HEAD') return refuse(response, 405, 'Method not allowed.', { allow: 'GET, HEAD' })
    if (file === '') return this.#sendPage(response, method)
    if (file === EVENTS) return this.#sendEvents(response, method)
    refuse(response, 404, 'Not found.')
  }

  #isForThis(host: string | undefined): boolean {
    return host !== undefined && LOOPBACK.some((name) => host.toLowerCase() === `${name}:${this.port}`)
  }

  #isToken(given: string): boolean {
    const expected = Buffer.from(this.#token)
    const bytes = Buffer.from(given)
    return bytes.length === expected.length && timingSafeEqual(bytes, expected)
  }

  #sendPage(response: ServerResponse, method: string): void {
    const data = { title: this.#title, creator: `process ${process.pid}`, entries: [], notes: [], events: EVENTS }
    const policy = `${policyOf(true)}; frame-ancestors 'none'`
    const html = pageHtml(data)
    response.writeHead(200, {
      ...HEADERS,
      'content-security-policy': policy,
      'content-type': 'text/html; charset=utf-8',
      'content-length': Buffer.byteLength(html),
    })
    response.end(method === 'HEAD' ? undefined : html)
  }

  #sendEvents(response: ServerResponse, method: string): void {
    if (this.#subscribers.count >= MAX_SUBSCRIBERS) return refuse(response, 503, 'Too many pages are open.')
    response.writeHead(200, {
      ...HEADERS,
      'content-security-policy': NO_PAGE,
      'content-type': 'text/event-stream; charset=utf-8',
    })
    if (method === 'HEAD') response.end()
    else this.#subscribers.add(response)
  }
}

function refuse(response: ServerResponse, status: number, text: string, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, {
    ...{ ...HEADERS, ...headers },
    'content-security-policy': NO_PAGE,
    'content-type': 'text/plain; charset=utf-8',
    connection: 'close',
  })
  response.end(`${text}\n`)
}
