/**
 * Handshake messages of modelled TLS: one from the client, one from the server, then plain bytes. What
 * matters for the client is in them: names, protocols, certificates, tickets, alerts.
 */

/** From the client. */
export interface ClientHello {
  readonly servername: string
  readonly alpn: readonly string[]
  readonly ticket: string | undefined
}

/** From the server. */
export interface ServerHello {
  readonly protocol: string | undefined
  /** Names and trust of the certificate. */
  readonly names: readonly string[]
  readonly trusted: boolean
  readonly resumed: boolean
  readonly ticket: string | undefined
  /** Ends the handshake: an alert as OpenSSL reports it. */
  readonly alert?: { readonly code: string; readonly message: string } | undefined
}

const HANDSHAKE = 0x16

export function encodeMessage(message: ClientHello | ServerHello): Buffer {
  const text = Buffer.from(JSON.stringify(message))
  const head = Buffer.alloc(5)
  head[0] = HANDSHAKE
  head.writeUInt32BE(text.length, 1)
  return Buffer.concat([head, text])
}

/** Collects the bytes of one message. */
export class MessageReader<Message> {
  #bytes: Buffer = Buffer.alloc(0)

  /** Whether the bytes do not begin as a handshake does. */
  get isForeign(): boolean {
    return this.#bytes.length > 0 && this.#bytes[0] !== HANDSHAKE
  }

  /** Returns the message once it is complete, and the bytes behind it. `undefined` before that. */
  push(bytes: Uint8Array): { message: Message; rest: Buffer } | undefined {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    if (this.#bytes.length < 5 || this.isForeign) return undefined
    const end = 5 + this.#bytes.readUInt32BE(1)
    if (this.#bytes.length < end) return undefined
    const message = JSON.parse(this.#bytes.toString('utf8', 5, end)) as Message
    return { message, rest: this.#bytes.subarray(end) }
  }
}
