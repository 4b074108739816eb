/**
 * What an origin is known to speak. http2-wrapper resolves ALPN and remembers; the memory is ours, with a bound and a lifetime. It is
 * loaded with the first handshake that begins a while after the first of all: it brings node:http2 with it, 25 ms in which nothing else
 * happens, and the first answers of a process would wait for that. The handshakes before it speak for themselves, and it finds in the memory
 * what they have said. By no timer: nothing of ours happens when nobody asks for anything.
 */

import { BoundedCache } from '../../runtime/bounded-cache.js'
import type { Clock } from '../../runtime/clock.js'
import type { ProtocolName } from '../../settings/pool-settings.js'
import type { SecureSocket } from '../tls/tls-connector.js'

/** Origins remembered, and for how long: a server that learns HTTP/2 is met in time. */
const MAX_ORIGINS = 4_096
const TTL_MS = 300_000
/** How long after the beginning of the first handshake: most first answers are there by then. */
const LOAD_DELAY_MS = 1_000
const PROTOCOLS: readonly ProtocolName[] = ['h2', 'http/1.1']

type ResolveProtocol = (options: object) => Promise<{ alpnProtocol: string; socket?: unknown }>
type CreateResolveProtocol = (
  cache: { has(key: string): boolean; get(key: string): string | undefined; set(key: string, value: string): unknown },
  queue: Map<string, Promise<unknown>>,
  connect: (options: { dial: () => Promise<SecureSocket> }, callback: () => void) => Promise<unknown>,
) => ResolveProtocol

/** The ALPN answers of one client. */
export class ProtocolMemory {
  readonly #import: () => Promise<{ default: unknown }>
  readonly #cache: BoundedCache<string>
  readonly #clock: Clock
  #resolver: Promise<ResolveProtocol | undefined> | undefined
  #firstAt: number | undefined

  /** @param importResolver what brings http2-wrapper. */
  constructor(clock: Clock, importResolver: () => Promise<{ default: unknown }> = () => import('http2-wrapper')) {
    this.#import = importResolver
    this.#clock = clock
    this.#cache = new BoundedCache({ max: MAX_ORIGINS, ttl: TTL_MS, ttlResolution: 0, perf: clock })
  }

  /** What `dialKey` answered last, while that is fresh. */
  known(dialKey: string): string | undefined {
    return this.#cache.get(nameOf(dialKey))
  }

  /** What it answered last is not so any more. */
  forget(dialKey: string): void {
    this.#cache.delete(nameOf(dialKey))
  }

  /**
   * The resolver, from a while after the first handshake on. Where loading it fails, for want of files for instance, there is none, and it is
   * tried again.
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
   * Learns the protocol of a connection that is being made, and was offered every one. What becomes of it is told as it is, whatever the
   * resolver says: that makes one dial of several at a time wait for another's, which may fail or take forever.
   */
  async resolve(dialKey: string, secured: Promise<SecureSocket>): Promise<SecureSocket> {
    // Our own key stands in for the host: http2-wrapper's leaves TLS options out, and a waiter would get another's answer.
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

/** http2-wrapper's own form of a cache key. What is offered is in the dial key already. */
function nameOf(dialKey: string): string {
  return `${dialKey}:undefined:${PROTOCOLS.join()}`
}
