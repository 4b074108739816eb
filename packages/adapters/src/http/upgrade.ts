/**
 * Upgrades of requests that arrive from an agent (RFC 9110 §7.8), such as those of WebSocket libraries: a stream of HTTP/2 where the server
 * offers it (RFC 8441), else a connection of HTTP/1.1.
 */

import { type IncomingMessage, STATUS_CODES } from 'node:http'
import { type Duplex, pipeline } from 'node:stream'
import { type Client, Fields, type HttpResponse } from '@unshard/core'
import { fieldList } from '@unshard/core/internal'
import { acceptOf, isOpened, openProtocolStream } from '../streams/protocol-stream.js'
import type { BridgeSocket } from './bridge-socket.js'
import { toNodeError } from './errors.js'

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

/** Opens the stream, and joins it to the socket. The socket ends with the error if it cannot be opened. */
export async function serveUpgrade(client: Client, upgrade: UpgradeRequest): Promise<void> {
  const { request, fields, base, near, far, head } = upgrade
  const protocol = request.headers.upgrade!
  const controller = new AbortController()
  far.once('close', () => controller.abort()).on('error', () => undefined)
  try {
    const { duplex, response } = await openProtocolStream(client, {
      ...{ protocol, url: base + request.url!, headers: new Fields(withoutUpgrade(fields)), signal: controller.signal },
    })
    near.connection = response.connection
    const isOpen = isOpened(response)
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
  if (response.status !== 101 && key !== undefined) text += `sec-websocket-accept: ${acceptOf(key)}\r\n`
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
