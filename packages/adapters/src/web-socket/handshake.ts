/** The opening handshake (RFC 6455 §4, RFC 8441 §5). */

import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { type Client, Fields, ResponseError, UsageError } from '@unshard/core'
import { checkFields, shownValue } from '@unshard/core/internal'
import { acceptOf, openProtocolStream, type ProtocolStream } from '../streams/protocol-stream.js'
import { extension, PerMessageDeflate } from './frame-library.js'
import type { CheckedOptions } from './options.js'

/** A WebSocket to open. */
export interface HandshakeRequest extends CheckedOptions {
  /** URL with the scheme `ws:` or `wss:`. */
  readonly url: URL
  readonly protocols: readonly string[]
  readonly signal: AbortSignal
}

/** An open WebSocket. */
export interface Handshake extends Pick<ProtocolStream, 'hasDropped'> {
  readonly duplex: Duplex
  /** The subprotocol in use; empty for none. */
  readonly protocol: string
  /** The extensions in use, as the server has sent them. */
  readonly extensions: string
  /** Compression, if it is in use. */
  readonly deflate: PerMessageDeflate | undefined
}

const { extensionName } = PerMessageDeflate

/**
 * Opens a WebSocket.
 * @throws ResponseError `ERR_WEBSOCKET_REFUSED`; UsageError; the errors of a request.
 */
export async function openHandshake(client: Client, request: HandshakeRequest): Promise<Handshake> {
  const key = randomBytes(16).toString('base64')
  const offer = request.compression ? new PerMessageDeflate({ maxPayload: request.limits.maxMessageBytes }) : undefined
  const stream = await openProtocolStream(client, {
    ...{ ...request.request, protocol: 'websocket', signal: request.signal },
    ...{ url: httpUrl(request.url), headers: fieldsOf(request, key, offer) },
  })
  const duplex = stream.accept()
  try {
    return { duplex, hasDropped: stream.hasDropped, ...checkResponse(stream, request, key, offer) }
  } catch (error) {
    duplex.destroy()
    throw error
  }
}

/** Returns the URL of the request, without credentials: they become a field. */
function httpUrl(url: URL): URL {
  const http = new URL(url)
  http.protocol = url.protocol === 'wss:' ? 'https:' : 'http:'
  http.username = ''
  http.password = ''
  return http
}

const PREFIX = 'sec-websocket-'

/** @throws UsageError as for the headers of a request, and `ERR_FORBIDDEN_FIELD` for those of the handshake. */
function fieldsOf({ request, url, protocols }: HandshakeRequest, key: string, offer: PerMessageDeflate | undefined): Fields {
  const { list, host } = checkFields(request.headers)
  const hasCredentials = list.some((name, i) => i % 2 === 0 && name === 'authorization')
  for (let i = 0; i < list.length; i += 2)
    if (list[i]!.startsWith(PREFIX))
      throw new UsageError('ERR_FORBIDDEN_FIELD', `the field ${shownValue(list[i])} is set by the WebSocket: use its options`)
  const fields = [...list, `${PREFIX}version`, '13', `${PREFIX}key`, key]
  if (host !== undefined) fields.push('host', host)
  if (protocols.length > 0) fields.push(`${PREFIX}protocol`, protocols.join(', '))
  if (offer !== undefined) fields.push(`${PREFIX}extensions`, extension.format({ [extensionName]: offer.offer() }))
  if ((url.username !== '' || url.password !== '') && !hasCredentials) fields.push('authorization', basic(url))
  return new Fields(fields)
}

/** RFC 7617 §2. */
function basic({ username, password }: URL): string {
  return `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')}`
}

/** A `%` that begins no escape stands for itself, as in the URL standard. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function checkResponse(
  { response, isOpen }: ProtocolStream,
  { protocols, url }: HandshakeRequest,
  key: string,
  offer: PerMessageDeflate | undefined,
): Omit<Handshake, 'duplex' | 'hasDropped'> {
  const refuse = (text: string): never => {
    throw new ResponseError('ERR_WEBSOCKET_REFUSED', text, { origin: url.origin })
  }
  if (!isOpen) refuse(`the server answered the handshake of a WebSocket with status ${response.status}`)
  const { headers } = response
  if (response.connection.protocol !== 'h2') checkUpgrade(headers, key, refuse)
  const protocol = headers.get(`${PREFIX}protocol`)
  // "If the response includes a |Sec-WebSocket-Protocol| header field and … not present in the client's handshake …, the client MUST
  // _Fail the WebSocket Connection_" (RFC 6455 §4.1); the standard fails it as well if the server has chosen none.
  if (protocol === undefined && protocols.length > 0) refuse('the server chose no subprotocol')
  if (protocol !== undefined && !protocols.includes(protocol))
    refuse(`the server chose the subprotocol ${shownValue(protocol)}, which was not offered`)
  const extensions = headers.get(`${PREFIX}extensions`)
  return { protocol: protocol ?? '', extensions: extensions ?? '', deflate: accepted(extensions, offer, refuse) }
}

/** RFC 6455 §4.1: over HTTP/1.1 the server repeats the protocol and proves that it has read the key. */
function checkUpgrade(headers: Fields, key: string, refuse: (text: string) => never): void {
  if (headers.get('upgrade')?.toLowerCase() !== 'websocket')
    refuse(`the server switched to the protocol ${shownValue(headers.get('upgrade') ?? '')}, not to websocket`)
  const options = (headers.get('connection') ?? '').toLowerCase().split(',')
  if (!options.some((option) => option.trim() === 'upgrade')) refuse('the field connection of the response does not have upgrade')
  if (headers.get(`${PREFIX}accept`) !== acceptOf(key)) refuse('the field sec-websocket-accept does not match the key')
}

/** Returns the compression that both ends use. */
function accepted(
  field: string | undefined,
  offer: PerMessageDeflate | undefined,
  refuse: (text: string) => never,
): PerMessageDeflate | undefined {
  if (field === undefined) return undefined
  try {
    const { [extensionName]: parameters, ...others } = extension.parse(field)
    if (parameters === undefined || offer === undefined || Object.keys(others).length > 0)
      return refuse(`the server chose the extensions ${shownValue(field)}, which were not offered`)
    offer.accept(parameters)
    return offer
  } catch (error) {
    if (error instanceof ResponseError) throw error
    return refuse(`the field sec-websocket-extensions is not valid: ${(error as Error).message}`)
  }
}
