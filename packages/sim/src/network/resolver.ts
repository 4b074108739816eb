/** The resolver of the client's machine: records that change, and the ways in which it fails. */

import type { LookupFunction } from 'node:net'
import type { Kernel } from '../kernel/kernel.js'
import type { Random } from '../kernel/random.js'

/** The addresses of a name. */
export interface DnsRecord {
  addresses: readonly string[]
  /** In seconds; without one the client's own limit applies. */
  ttl?: number | undefined
  /** Whether each answer begins with another address. */
  rotates?: boolean | undefined
}

/** How the resolver is ill. */
export type ResolverState = 'well' | 'fails' | 'silent' | 'slow'

export class ModelledResolver {
  readonly #kernel: Kernel
  readonly #random: Random
  readonly #records: Map<string, DnsRecord>
  /** Addresses of each name, with the time since when. */
  readonly #history = new Map<string, { readonly since: number; readonly addresses: readonly string[] }[]>()
  state: ResolverState = 'well'
  /** Names that do not exist for now. */
  readonly missing: Set<string> = new Set()
  queries = 0
  readonly #answered = new Map<string, number[]>()

  constructor(kernel: Kernel, random: Random, records: Map<string, DnsRecord>) {
    this.#kernel = kernel
    this.#random = random
    this.#records = records
    for (const [name, record] of records) this.set(name, record)
  }

  set(name: string, record: DnsRecord): void {
    this.#records.set(name, record)
    const history = this.#history.get(name) ?? []
    history.push({ since: this.#kernel.now, addresses: record.addresses })
    this.#history.set(name, history)
  }

  /** Whether a name has ever had an address. */
  hasHad(name: string, address: string): boolean {
    return this.#history.get(name)?.some(({ addresses }) => addresses.includes(address)) === true
  }

  /** The lists of addresses that a name had within a time. */
  addressesWithin(name: string, from: number, until: number): (readonly string[])[] {
    const history = this.#history.get(name) ?? []
    const inForce = history.filter(
      ({ since }, index) => since <= until && (history[index + 1]?.since ?? Number.POSITIVE_INFINITY) >= from,
    )
    return inForce.map(({ addresses }) => addresses)
  }

  /** Times at which the addresses of a name were returned. */
  answeredAt(name: string): readonly number[] {
    return this.#answered.get(name) ?? []
  }

  /** The client's option `lookup`. */
  readonly lookup: LookupFunction = (host, _options, callback) => {
    this.queries++
    const { state } = this
    if (state === 'silent') return
    const delayMs =
      state === 'slow' ? this.#random.int(500, 6_000) : state === 'fails' ? this.#random.int(1, 5_000) : this.#random.int(1, 40)
    this.#kernel.after(delayMs, () => this.#kernel.deliver(() => this.#answer(host, state, callback)))
  }

  #answer(host: string, state: ResolverState, callback: Parameters<LookupFunction>[2]): void {
    if (state === 'fails') return callback(failure('EAI_AGAIN', host), [])
    const record = this.#records.get(host)
    if (record === undefined || this.missing.has(host)) return callback(failure('ENOTFOUND', host), [])
    this.#note(host)
    let { addresses } = record
    if (record.rotates === true && addresses.length > 1) {
      const first = this.#random.int(0, addresses.length - 1)
      addresses = [...addresses.slice(first), ...addresses.slice(0, first)]
    }
    const ttl = record.ttl === undefined ? {} : { ttl: record.ttl }
    callback(
      null,
      addresses.map((address) => ({ address, family: 4, ...ttl })),
    )
  }

  #note(host: string): void {
    const times = this.#answered.get(host)
    if (times === undefined) this.#answered.set(host, [this.#kernel.now])
    else times.push(this.#kernel.now)
  }
}

function failure(code: string, host: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`getaddrinfo ${code} ${host}`), { code, syscall: 'getaddrinfo', errno: -3008 })
}
