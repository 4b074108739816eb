/** Name resolution controlled by a cell: its answers and their timing. */

import type { LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { gate } from './time.js'

type Answer = readonly LookupAddress[] | Error | 'never'

/**
 * Address of the proxies of this process. On Linux it is unique and never a source address: a port
 * that is closed for a while must not become the local port of another socket.
 */
export const ADDRESS: string =
  process.platform === 'linux' ? `127.1.${(process.pid >> 8) & 0xff}.${process.pid & 0xff}` : '127.0.0.1'
export const LOCAL: readonly LookupAddress[] = [{ address: ADDRESS, family: 4 }]

export class Names {
  answer: Answer = LOCAL
  #held: { readonly called: ReturnType<typeof gate<void>>; readonly go: Promise<void> } | undefined

  /** Holds the next lookup. */
  hold(): { readonly called: Promise<void>; go(): void } {
    const called = gate()
    const go = gate()
    this.#held = { called, go: go.promise }
    return { called: called.promise, go: () => go.open() }
  }

  readonly lookup: LookupFunction = (_host, _options, callback) => {
    const held = this.#held
    this.#held = undefined
    held?.called.open()
    void (held?.go ?? Promise.resolve()).then(() => {
      const { answer } = this
      if (answer === 'never') return
      if (answer instanceof Error) callback(answer, [])
      else callback(null, [...answer])
    })
  }
}
