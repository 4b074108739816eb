/** An HTTP/1.1 connection of a modelled server (RFC 9112): one request after the other. */

import { matches } from '../../ledger/markers.js'
import type { EndListener, ServerEnd } from '../../network/flow.js'
import type { ConnectionOwner, ServerConnection } from '../connection-owner.js'
import type { ServerExchange } from '../exchange.js'
import type { Http1Model } from '../model.js'
import { Http1Exchange } from './exchange.js'
import { RequestReader } from './request-reader.js'

export class Http1ServerConnection implements EndListener, ServerConnection {
  readonly #end: ServerEnd
  readonly #instance: ConnectionOwner
  readonly #model: Http1Model
  readonly #reader: RequestReader
  /** Requests that were read, in order; the first one is being answered. */
  readonly #exchanges: Http1Exchange[] = []
  #requests = 0
  #idleSince: number
  #last = false

  constructor(end: ServerEnd, instance: ConnectionOwner, model: Http1Model) {
    this.#end = end
    this.#instance = instance
    this.#model = model
    this.#idleSince = instance.kernel.now
    this.#reader = new RequestReader({
      onHead: (head, closes) => this.#begin(head, closes),
      onContent: (bytes) => this.#content(bytes),
      onEnd: () => this.#uploaded(),
    })
    end.listener = this
    this.#idle()
  }

  onBytes(bytes: Uint8Array): void {
    if (!this.#last || this.#exchanges.length > 0) this.#reader.push(bytes)
  }

  onEnd(): void {
    this.#close()
  }

  onError(): void {
    this.#forget()
  }

  onDrain(): void {
    this.#exchanges[0]?.pump()
  }

  shutdown(): void {
    this.#last = true
    if (this.#exchanges.length === 0) this.#close()
  }

  kill(): void {
    this.#forget()
    this.#end.close()
  }

  #begin(head: ServerExchange['head'], closes: boolean): void {
    if (this.#last) return
    const { maxRequests = Number.POSITIVE_INFINITY, announces = false, chunks = true, idleMs } = this.#model
    this.#requests++
    if (closes || this.#requests >= maxRequests) this.#last = true
    const exchange = new Http1Exchange(head, {
      last: this.#last,
      chunks,
      timeoutS: announces ? Math.floor(idleMs / 1_000) : undefined,
      end: this.#end,
      done: (ends) => this.#done(ends),
      dies: (how) => this.#dies(how),
    })
    this.#exchanges.push(exchange)
    if (this.#exchanges.length === 1) this.#instance.take(exchange, this.#end)
  }

  #content(bytes: Uint8Array): void {
    const exchange = this.#exchanges.at(-1)
    if (exchange === undefined) return
    if (!matches('u', exchange.head.id, exchange.uploadBytes, bytes)) {
      this.#instance.ledger.find('content', `the server received other bytes at ${exchange.uploadBytes}`, exchange.head.id)
    }
    exchange.uploadBytes += bytes.length
  }

  #uploaded(): void {
    const exchange = this.#exchanges.at(-1)
    if (exchange === undefined) return
    exchange.uploaded = true
    this.#instance.checkUpload(exchange.head.id, exchange.uploadBytes)
    exchange.onUpload?.()
  }

  #done(ends: boolean): void {
    this.#exchanges.shift()
    if (ends || (this.#last && this.#exchanges.length === 0)) return this.#close()
    const next = this.#exchanges[0]
    if (next !== undefined) return this.#instance.take(next, this.#end)
    this.#idleSince = this.#instance.kernel.now
    this.#idle()
  }

  #dies(how: 'reset' | 'goaway' | 'close'): void {
    this.#forget()
    if (how === 'reset') this.#end.reset()
    else this.#end.close()
  }

  /** The time at which a request of the client may cross the FIN of the server. */
  #idle(): void {
    const { kernel, machine } = this.#instance
    const since = this.#idleSince
    kernel.after(this.#model.idleMs, () =>
      machine.run(() => {
        if (this.#exchanges.length === 0 && this.#idleSince === since && !this.#end.gone) this.#close()
      }),
    )
  }

  #close(): void {
    this.#forget()
    this.#instance.closeSlowly(this.#end)
  }

  #forget(): void {
    for (const exchange of this.#exchanges) exchange.over = true
    this.#exchanges.length = 0
    this.#instance.connections.delete(this)
  }
}
