/**
 * Remembers the protocol each origin chose, in a bounded cache filled by http2-wrapper's ALPN
 * resolver. That package is loaded with the first handshake after a delay: it imports node:http2,
 * which blocks for 25 ms and would delay the first responses of a process. Earlier handshakes fill
 * the cache directly. Loaded without a timer, so that an idle client does nothing.
 */

import { BoundedCache } from '../../runtime/bounded-cache.js'
import type { Clock } from '../../runtime/clock.js'
import type { ProtocolName } from '../../settings/pool-settings.js'
import type { SecureSocket } from '../tls/tls-connector.js'

/** Limits of the memory. Entries expire, because a server may be upgraded to HTTP/2. */
const MAX_ORIGINS = 4_096
const TTL_MS = 300_000
/**
 * Delay from the first handshake, by which most processes have their first responses, in
 * milliseconds.
 */
const LOAD_DELAY_MS = 1_000
const PROTOCOLS: readonly ProtocolName[] = ['h2', 'http/1.1']

type ResolveProtocol = (options: object) => Promise<{ alpnProtocol: string; socket?: unknown }>
type CreateResolveProtocol = (
  cache: { has(key: string): boolean; get(key: string): string | undefined; set(key: string, value: string): unknown },
  queue: Map<string, Promise<unknown>>,
  connect: (options: { dial: () => Promise<SecureSocket> }, callback: () => void) => Promise<unknown>,
) => ResolveProtocol

/** The protocols known to one client. */
export class ProtocolMemory {
  readonly #import: () => Promise<{ default: unknown }>
  readonly #cache: BoundedCache<string>
  readonly #clock: Clock
  #resolver: Promise<ResolveProtocol | undefined> | undefined
  #firstAt: number | undefined

  /** @param importResolver imports http2-wrapper. */
  constructor(clock: Clock, importResolver: () => Promise<{ default: unknown }> = () => import('http2-wrapper')) {
    this.#import = importResolver
    this.#clock = clock
    this.#cache = new BoundedCache({ max: MAX_ORIGINS, ttl: TTL_MS, ttlResolution: 0, perf: clock })
  }

  /** The protocol that `dialKey` chose last, until it expires. */
  known(dialKey: string): string | undefined {
    return this.#cache.get(nameOf(dialKey))
  }

  /** Forgets the remembered protocol: it is outdated. */
  forget(dialKey: string): void {
    this.#cache.delete(nameOf(dialKey))
  }

  /**
   * The resolver, once the delay has passed. If loading fails, e.g. for a missing file, the next
   * handshake tries again.
   */
  #load(): Promise<ResolveProtocol | undefined> | undefined {
    this.#firstAt ??= this.#clock.now()
    if (this.#clock.now() - this.#firstAt < LOAD_DELAY_MS) return undefined
    this.#resolver ??= this.#import().then(
      (module) => this.#create((module.default as { auto: { createResolveProtocol: CreateResolveProtocol } }).auto),
      () => {
        this.#resolver = undefined
        return undefined
      },
    )
    return this.#resolver
  }

  /**
   * Remembers the protocol of a connection that was offered every protocol. The result is that of
   * `secured` alone: http2-wrapper would make concurrent dials wait for each other, although one of
   * them may hang.
   */
  async resolve(dialKey: string, secured: Promise<SecureSocket>): Promise<SecureSocket> {
    // Pass our key as the host: http2-wrapper's key omits TLS options, and would mix up their
    // results.
    const asked = { host: dialKey, ALPNProtocols: PROTOCOLS, resolveSocket: true, dial: () => secured }
    secured.catch(() => undefined)
    void this.#load()?.then((resolveProtocol) => resolveProtocol?.(asked).catch(() => undefined))
    const result = await secured
    this.#cache.set(nameOf(dialKey), result.protocol ?? 'http/1.1')
    return result
  }

  #create(auto: { createResolveProtocol: CreateResolveProtocol }): ResolveProtocol {
    return auto.createResolveProtocol(this.#cache, new Map(), async ({ dial }, callback) => {
      const { socket } = await dial()
      callback()
      return socket
    })
  }
}

/** The cache key in http2-wrapper's format. The dial key already contains the protocols. */
function nameOf(dialKey: string): string {
  return `${dialKey}:undefined:${PROTOCOLS.join()}`
}
