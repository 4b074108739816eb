/**
 * The server's half of real TLS: Node's own, over a modelled connection. Fails in the same ways as the
 * modelled one.
 */

import { Duplex } from 'node:stream'
import { type SecureContext, TLSSocket } from 'node:tls'
import { realContext } from '../kernel/builtins.js'
import type { End, EndListener, Flow, ServerEnd } from '../network/flow.js'
import { certificateFor, MISNAMED } from '../tls/certificates.js'
import type { ConnectionOwner } from './connection-owner.js'

const SLOW_MS = 1_000
/** Alert `handshake_failure`, fatal (RFC 8446 §6). */
const HANDSHAKE_FAILURE = Buffer.from([0x15, 3, 3, 0, 2, 2, 40])

type Done = (error?: Error | null) => void

/** Contexts by the set of tickets: a process that is started again has another one, and does not know old tickets. */
const contexts = new WeakMap<object, SecureContext>()

/** Waits for the handshake, then calls `next` with the chosen protocol. */
export function acceptRealTls(
  end: End,
  instance: ConnectionOwner,
  next: (end: ServerEnd, protocol: string | undefined) => void,
): void {
  const { kernel, machine, script } = instance
  const begin = (first: Uint8Array): void => {
    if (script.ill === 'plain') return refuse(end, Buffer.from('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n'))
    if (script.ill === 'alert') return refuse(end, HANDSHAKE_FAILURE)
    secure(end, instance, first, next)
  }
  end.listener = {
    onBytes(bytes) {
      const first = Buffer.from(bytes)
      end.pause()
      if (script.ill === 'slow') kernel.after(SLOW_MS, () => machine.run(() => begin(first)))
      else begin(first)
    },
    onEnd: () => end.close(),
    onError() {},
    onDrain() {},
  }
}

function refuse(end: End, bytes: Buffer): void {
  end.write(bytes)
  end.resume()
  end.close()
}

function secure(
  end: End,
  instance: ConnectionOwner,
  first: Uint8Array,
  next: (end: ServerEnd, protocol: string | undefined) => void,
): void {
  const { model } = instance
  const carrier = new EndStream(end)
  const protocols = [...(model.h2 === undefined ? [] : ['h2']), ...(model.h1 === undefined ? [] : ['http/1.1'])]
  const socket = new TLSSocket(carrier, { isServer: true, secureContext: contextOf(instance), ALPNProtocols: protocols })
  const secured = new TlsEnd(end, socket)
  socket.once('secure', () => next(secured, typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : undefined))
  carrier.receive(first)
  end.resume()
}

function contextOf({ script, tickets }: ConnectionOwner): SecureContext {
  let context = contexts.get(tickets)
  if (context === undefined) {
    const { certificate, untrusted = false, ill } = script
    const { cert, key } = certificateFor(ill === 'misnamed' ? MISNAMED : certificate, !untrusted)
    context = realContext({ cert, key })
    contexts.set(tickets, context)
  }
  return context
}

/** The server's end of a TCP connection as a stream. */
class EndStream extends Duplex {
  readonly #end: End
  #waiting: Done | undefined

  constructor(end: End) {
    super()
    this.#end = end
    end.listener = {
      onBytes: (bytes) => this.receive(bytes),
      onEnd: () => void this.push(null),
      onError: (code) => void this.destroy(Object.assign(new Error(code), { code })),
      onDrain: () => this.#proceed(),
    }
  }

  receive(bytes: Uint8Array): void {
    if (!this.push(Buffer.from(bytes))) this.#end.pause()
  }

  override _read(): void {
    this.#end.resume()
  }

  override _write(bytes: Buffer, _encoding: string, done: Done): void {
    if (this.#end.write(Buffer.from(bytes))) done()
    else this.#waiting = done
  }

  #proceed(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.()
  }

  override _final(done: Done): void {
    this.#end.end()
    done()
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#end.close()
    done(error)
  }
}

/** TLS over the end of a connection. */
class TlsEnd implements ServerEnd {
  readonly flow: Flow
  listener: EndListener | undefined
  readonly #end: End
  readonly #socket: TLSSocket
  #closed = false

  constructor(end: End, socket: TLSSocket) {
    this.flow = end.flow
    this.#end = end
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => !this.gone && this.listener?.onBytes(bytes))
    socket.on('end', () => !this.gone && this.listener?.onEnd())
    socket.on('drain', () => !this.gone && this.listener?.onDrain())
    socket.on('error', (error: NodeJS.ErrnoException) => this.#failed(error.code ?? 'ECONNRESET'))
  }

  get gone(): boolean {
    return this.#closed || this.#end.gone
  }

  get full(): boolean {
    return this.#socket.writableNeedDrain
  }

  write(bytes: Uint8Array): boolean {
    return this.gone || this.#socket.write(Buffer.from(bytes))
  }

  end(): void {
    if (!this.gone) this.#socket.end()
  }

  close(): void {
    if (this.gone) return
    this.#closed = true
    this.#socket.destroySoon()
  }

  reset(): void {
    this.#closed = true
    this.#end.reset()
    this.#socket.destroy()
  }

  #failed(code: string): void {
    if (this.#closed) return
    this.#closed = true
    this.listener?.onError(code)
  }
}
