/** The application behind every modelled server: answers as the script of the request says, and keeps the ledger. */

import type { Kernel } from '../kernel/kernel.js'
import type { Ledger } from '../ledger/ledger.js'
import { credentialsFor } from '../ledger/markers.js'
import type { Machine } from '../network/machine.js'
import type { RequestScript, ServerScript } from '../script/script.js'
import type { ServerExchange } from './exchange.js'

/** Where an exchange is. */
export interface Place {
  readonly machine: Machine
  readonly address: string
  readonly flow: number
  readonly script: ServerScript
  readonly secure: boolean
}

export class Application {
  readonly #kernel: Kernel
  readonly #ledger: Ledger

  constructor(kernel: Kernel, ledger: Ledger) {
    this.#kernel = kernel
    this.#ledger = ledger
  }

  /** Notes a request that is refused before it is executed. */
  noteRefused(exchange: ServerExchange['head'], place: Place): void {
    this.#note(exchange, place, false)
  }

  /** Executes a request. */
  begin(exchange: ServerExchange, place: Place): void {
    const { head } = exchange
    this.#note(head, place, true)
    const script = this.#ledger.records.get(head.id)?.script
    if (script === undefined) return this.#ledger.find('unknown-request', `request ${head.id} was never made`)
    if (head.credentials !== undefined && head.credentials !== credentialsFor(script)) {
      this.#ledger.find('credentials', `credentials ${head.credentials} arrived for ${script.origin}`, head.id)
    }
    const slow = place.script.ill === 'slow' ? 1_000 : 0
    const later = (ms: number, act: () => void): void => {
      this.#kernel.after(ms, () => place.machine.run(() => !exchange.over && act()))
    }
    const { poison } = script
    if (poison !== undefined) return later(script.thinkMs, () => exchange.die(poison))
    const answer = (): void => later(script.thinkMs + slow, () => this.#answer(exchange, script, later))
    if (exchange.uploaded) answer()
    else exchange.onUpload = answer
  }

  #answer(exchange: ServerExchange, script: RequestScript, later: (ms: number, act: () => void) => void): void {
    const { bytes, parts = 1, everyMs = 0, lies = false } = script
    const length = parts === 1 ? bytes + (lies ? 10 : 0) : undefined
    exchange.respond(200, length)
    const send = (left: number): void => {
      exchange.append(bytes)
      if (left <= 1) exchange.finish()
      else later(everyMs, () => send(left - 1))
    }
    send(parts)
  }

  #note({ id, authority }: ServerExchange['head'], { address, flow, script, secure }: Place, executed: boolean): void {
    const { model: server, certificate } = script
    this.#ledger.records
      .get(id)
      ?.arrivals.push({ at: this.#kernel.now, address, flow, server, authority, executed, certificate, secure })
  }
}
