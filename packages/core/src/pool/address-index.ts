/** Address and port to whatever leads there: connections, and dials that may become one. One look-up, however many there are elsewhere. */

import type { Address, Connection } from '../connection.js'
import type { Dial } from './reuse-policy.js'

/** What an address can lead to. */
export type Candidate = Connection | Dial

/** The index of one pool. */
export class AddressIndex {
  readonly #byEndpoint = new Map<string, Set<Candidate>>()

  /** Adds a candidate under an address. */
  add(address: string, port: number, candidate: Candidate): void {
    const endpoint = `${address} ${port}`
    const found = this.#byEndpoint.get(endpoint)
    if (found === undefined) this.#byEndpoint.set(endpoint, new Set([candidate]))
    else found.add(candidate)
  }

  /** Takes it out again. */
  delete(address: string, port: number, candidate: Candidate): void {
    const endpoint = `${address} ${port}`
    const found = this.#byEndpoint.get(endpoint)
    if (found?.delete(candidate) === true && found.size === 0) this.#byEndpoint.delete(endpoint)
  }

  /** Whatever leads to one of the addresses at this port, in the order of the addresses. */
  *find(addresses: readonly Address[], port: number): Iterable<Candidate> {
    for (const { address } of addresses) yield* this.#byEndpoint.get(`${address} ${port}`) ?? []
  }

  /** Whether nothing is open or under way at all. */
  get empty(): boolean {
    return this.#byEndpoint.size === 0
  }
}
