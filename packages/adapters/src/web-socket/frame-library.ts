/**
 * The parts of `ws` that read and write frames (RFC 6455 §5) and compress messages (RFC 7692). The build copies them into the bundle:
 * programs need no `ws`, and a runtime that replaces the package, such as Bun, runs the same code.
 */

import type { Duplex, Writable } from 'node:stream'
import { extension, PerMessageDeflate, Receiver, Sender } from 'ws'

export { extension, PerMessageDeflate, Receiver, Sender }

/** Extensions in use, by name. */
export type Extensions = Readonly<Record<string, PerMessageDeflate>>

interface ReceiverOptions {
  readonly extensions: Extensions
  /** Limits; 0 for no limit. */
  readonly maxPayload: number
  readonly maxFragments: number
  readonly maxBufferedChunks: number
}

interface SendOptions {
  readonly binary: boolean
  readonly compress: boolean
  readonly fin: true
  readonly mask: true
}

// Its types leave these classes out.
declare module 'ws' {
  /** Takes the bytes of the peer; emits `message`, `ping`, `pong`, and `conclude` for a Close frame. */
  class Receiver extends Writable {
    constructor(options: ReceiverOptions)
    /** Parts of the stream that wait for a frame to be complete. */
    readonly _buffers: Buffer[]
  }
  /** Writes frames. */
  class Sender {
    constructor(stream: Duplex, extensions: Extensions)
    onerror: (error: Error) => void
    send(data: string | Uint8Array, options: SendOptions, taken: (error?: Error | null) => void): void
    ping(data: Uint8Array, mask: true, taken: (error?: Error | null) => void): void
    pong(data: Uint8Array, mask: true, taken: (error?: Error | null) => void): void
    close(code: number | undefined, reason: Uint8Array | undefined, mask: true, taken: (error?: Error | null) => void): void
  }
  class PerMessageDeflate {
    static readonly extensionName: 'permessage-deflate'
    constructor(options: { readonly maxPayload: number })
    offer(): object
    /** Takes the parameters of the response. Throws if they do not match the offer. */
    accept(parameters: readonly object[]): void
    /** Frees its buffers. */
    cleanup(): void
  }
  const extension: {
    format(offers: Readonly<Record<string, object>>): string
    /** Throws a `SyntaxError`. */
    parse(field: string): Readonly<Record<string, readonly object[]>>
  }
}
