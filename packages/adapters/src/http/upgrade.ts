/**
 * Upgrades of requests that arrive from an agent (RFC 9110 §7.8), such as those of WebSocket libraries: a stream of HTTP/2 where the server
 * offers it (RFC 8441), else a connection of HTTP/1.1.
 */

import { type IncomingMessage, STATUS_CODES } from 'node:http'
import { type Duplex, pipeline } from 'node:stream'
import { type Client, Fields, type HttpResponse } from '@unshard/core'
import { endToEndFields, openProtocolStream, switchingFields } from '../streams/protocol-stream.js'
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
    const stream = await openProtocolStream(client, {
      ...{ protocol, url: base + request.url!, headers: new Fields(withoutUpgrade(fields)), signal: controller.signal },
    })
    const { response } = stream
    near.connection = response.connection
    if (stream.isOpen) {
      const duplex = stream.accept()
      far.write(switching(response, request), 'latin1')
      if (head.length > 0) duplex.write(head)
      pipeline(far, duplex, ignore)
      pipeline(duplex, far, ignore)
    } else {
      stream.refuse()
      far.write(refusal(response), 'latin1')
      pipeline(response.nodeStream(), far, ignore)
    }
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

function switching(response: HttpResponse, { headers }: IncomingMessage): string {
  const fields = switchingFields(response, headers.upgrade!, headers['sec-websocket-key'])
  return `HTTP/1.1 101 ${STATUS_CODES[101]}\r\n${linesOf(fields)}\r\n`
}

function refusal(response: HttpResponse): string {
  const { status, statusText } = response
  const reason = statusText || (STATUS_CODES[status] ?? '')
  return `HTTP/1.1 ${status} ${reason}\r\nconnection: close\r\n${linesOf(endToEndFields(response))}\r\n`
}

function linesOf(fields: readonly string[]): string {
  let text = ''
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`
  return text
}
