/**
 * Upgrades of requests that arrive from an agent (RFC 9110 §7.8), such as those of WebSocket libraries: a stream of HTTP/2 where the server
 * offers it (RFC 8441), else a connection of HTTP/1.1.
 */

import { createHash } from 'node:crypto'
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import { type Duplex, pipeline } from 'node:stream'
import { type Client, Fields, type HttpResponse, type RequestOptions, UnshardError } from '@unshard/core'
import { fieldList } from '@unshard/core/internal'
import { openStream, type RequestDuplex } from '../streams/duplex.js'
import type { BridgeSocket } from './bridge-socket.js'
import { toNodeError } from './errors.js'

/** RFC 6455 §4.2.2. */
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** A request for an upgrade, and the two ends of its socket in memory. */
export interface UpgradeRequest {
  readonly request: IncomingMessage
  /** Fields without those of the connection. */
  readonly fields: readonly string[]
  /** URL before the path. */
  readonly base: string
  readonly near: BridgeSocket
  readonly far: Duplex
  /** Bytes that arrived after the request. */
  readonly head: Buffer
}

/** A stream of the protocol, and its response. */
interface Opened {
  readonly duplex: Duplex
  readonly response: HttpResponse
}

/** Opens the stream, and joins it to the socket. The socket ends with the error if it cannot be opened. */
export async function serveUpgrade(client: Client, upgrade: UpgradeRequest): Promise<void> {
  const { request, fields, base, near, far, head } = upgrade
  const protocol = request.headers.upgrade!
  const controller = new AbortController()
  far.once('close', () => controller.abort()).on('error', () => undefined)
  try {
    const { duplex, response } = await open(client, {
      ...{ method: 'CONNECT', protocol, url: base + request.url!, headers: new Fields(withoutUpgrade(fields)) },
      // The protocol has its own rules for silence.
      ...{ signal: controller.signal, timeouts: { body: 0, total: 0 }, redirect: 'manual', retry: false, keepDotSegments: true },
    })
    near.connection = response.connection
    const isOpen =
      response.status === 101 || (response.connection.protocol === 'h2' && response.status >= 200 && response.status < 300)
    far.write(isOpen ? switching(response, request) : refusal(response), 'latin1')
    if (isOpen && head.length > 0) duplex.write(head)
    if (isOpen) pipeline(far, duplex, ignore)
    else duplex.end()
    pipeline(duplex, far, ignore)
  } catch (error) {
    near.destroy(toNodeError(error))
  }
}

function ignore(): void {
  // The pipeline has destroyed both ends.
}

/** Opens a stream on HTTP/2 or HTTP/1.1; on HTTP/1.1 alone if the server offers no extended CONNECT. */
async function open(client: Client, options: RequestOptions): Promise<Opened> {
  const opened = openStream(client, options)
  try {
    return await settled(opened)
  } catch (error) {
    if (!(error instanceof UnshardError) || error.code !== 'ERR_EXTENDED_CONNECT_UNSUPPORTED') throw error
    return settled(openStream(client, { ...options, http1Only: true }))
  }
}

async function settled({ duplex, response }: RequestDuplex): Promise<Opened> {
  // The error is that of the response.
  duplex.on('error', ignore)
  return { duplex, response: await response }
}

function withoutUpgrade(fields: readonly string[]): string[] {
  return fields.filter((_, i) => fields[i - (i % 2)]!.toLowerCase() !== 'upgrade')
}

/** Fields that describe the connection or the framing of the server. */
const NOT_PASSED_ON: ReadonlySet<string> = new Set(['connection', 'upgrade', 'transfer-encoding', 'keep-alive'])

function switching(response: HttpResponse, { headers }: IncomingMessage): string {
  // Over HTTP/1.1 the server names the protocol that it chose (RFC 9110 §7.8), and the library checks it.
  const chosen = response.status === 101 ? (response.headers.get('upgrade') ?? '') : headers.upgrade
  let text = `HTTP/1.1 101 ${STATUS_CODES[101]}\r\nconnection: Upgrade\r\nupgrade: ${chosen}\r\n`
  const key = headers['sec-websocket-key']
  // RFC 8441 §5: over HTTP/2 the status alone confirms the protocol.
  if (response.status !== 101 && key !== undefined)
    text += `sec-websocket-accept: ${createHash('sha1').update(`${key}${WEBSOCKET_GUID}`).digest('base64')}\r\n`
  return `${text}${linesOf(response)}\r\n`
}

function refusal(response: HttpResponse): string {
  const { status, statusText } = response
  return `HTTP/1.1 ${status} ${statusText || (STATUS_CODES[status] ?? '')}\r\nconnection: close\r\n${linesOf(response)}\r\n`
}

function linesOf({ headers }: HttpResponse): string {
  let text = ''
  const list = fieldList(headers)
  for (let i = 0; i < list.length; i += 2) if (!NOT_PASSED_ON.has(list[i]!)) text += `${list[i]}: ${list[i + 1]}\r\n`
  return text
}
