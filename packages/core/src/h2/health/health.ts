/**
 * The health of one HTTP/2 connection: whether the peer is alive (`liveness.ts`), user-configured
 * PINGs (`keepalive.ts`), streams left open by a GOAWAY (`goaway-watch.ts`), and peers that allow
 * no streams.
 */

import type { Clock, ClockTimer } from '../../runtime/clock.js'
import type { ResolvedPoolSettings } from '../../settings/pool-settings.js'
import type { H2Exchange } from '../exchange.js'
import { errorCodeName } from '../protocol/error-code.js'
import type { Protocol } from '../protocol/protocol.js'
import { GoawayWatch } from './goaway-watch.js'
import { Keepalive } from './keepalive.js'
import { Liveness } from './liveness.js'
import type { Pings } from './pings.js'

/**
 * Time after which a connection that allows no streams is retired, in milliseconds: the limit may
 * rise soon.
 */
const NO_STREAMS_MS = 1_000
/** Unanswered bytes above which an upload is assumed: requests without content stay below this. */
const UPLOAD_BYTES = 65_536

/** The parts of the connection that its health needs. */
export interface HealthDeps {
  readonly clock: Clock
  readonly engine: Protocol<H2Exchange>
  readonly pool: ResolvedPoolSettings
  readonly pings: Pings
  /** Whether the origin has other addresses. */
  readonly alternatives: boolean
  /** Number of `too_many_pings` errors that the origin has sent. */
  readonly complaints: number
  /** Bytes that the socket has not sent yet. */
  unsentBytes(): number
  /** Bytes written since the last byte was received. */
  writtenBytes(): number
  /** Schedules a write of the pending output. */
  flush(): void
  /** Called when {@link Health.ready} may have changed. */
  changed(): void
  /** Stops new requests on this connection. */
  retire(): void
  /** Called when the peer is presumed dead. */
  gone(): void
}

/** The health of one connection. None of its timers keeps the process alive. */
export class Health {
  readonly #deps: HealthDeps
  readonly #liveness: Liveness
  readonly #keepalive: Keepalive | undefined
  #goaway: GoawayWatch<H2Exchange> | undefined
  #noStreams: ClockTimer | undefined

  constructor(deps: HealthDeps) {
    this.#deps = deps
    this.#liveness = this.#watch()
    this.#keepalive = this.#keepAlive()
  }

  /** Whether new requests wait until a byte is received. */
  get verifying(): boolean {
    return this.#liveness.verifying
  }

  /** Whether the connection's health allows new requests. */
  get ready(): boolean {
    return !this.#liveness.verifying && !this.#liveness.stalled
  }

  /** Whether new requests use other connections, because no open stream has moved for long. */
  get stalled(): boolean {
    return this.#liveness.stalled
  }

  /** See {@link Liveness.received}. */
  received(now: number): void {
    this.#liveness.received(now)
  }

  /** See {@link Liveness.verify}. */
  verify(): boolean {
    return this.#liveness.verify()
  }

  /** See {@link Liveness.awoke}. */
  awoke(): void {
    this.#liveness.awoke()
  }

  /** See {@link Liveness.suspect}. */
  suspect(): void {
    this.#liveness.suspect()
  }

  /** Called when a stream opens on an idle connection. */
  busy(): void {
    this.#liveness.busy()
  }

  /** Called when the last open stream has closed. */
  idle(): void {
    this.#liveness.idle()
  }

  /** Called after output was written. */
  written(): void {
    const { engine } = this.#deps
    if (engine.heldSlots > 0 || engine.probe.outstanding) this.#liveness.written()
  }

  /**
   * Called after SETTINGS. Retires a connection whose peer keeps allowing no streams (RFC 9113
   * §5.1.2).
   */
  settingsReceived(): void {
    const { engine, clock, retire } = this.#deps
    if (engine.peerSettings.maxConcurrentStreams > 0) {
      this.#noStreams?.cancel()
      this.#noStreams = undefined
    } else if (this.#noStreams === undefined) {
      this.#noStreams = clock.startTimer(NO_STREAMS_MS, () => clock.afterTurn(() => this.#noStreams && retire()))
      this.#noStreams.unref()
    }
  }

  /**
   * Watches the open streams after a GOAWAY with an error: the peer may never finish them (RFC 9113
   * §6.8).
   */
  goawayReceived(errorCode: number): void {
    const { engine, clock } = this.#deps
    const reason = `nothing has been received on the stream since GOAWAY ${errorCodeName(errorCode)}`
    const end = { errorCode, initiator: 'peer', reason, unprocessed: false } as const
    const open = (): H2Exchange[] => [...engine.open()].map(({ owner }) => owner)
    this.#goaway ??= new GoawayWatch(clock, open, (exchange) => exchange.giveUp(end))
  }

  /** Stops all timers: the connection is closed. */
  stop(): void {
    this.#liveness.stop()
    this.#keepalive?.stop()
    this.#goaway?.stop()
    this.#noStreams?.cancel()
    this.#noStreams = undefined
  }

  #watch(): Liveness {
    const { clock, engine, pool, alternatives, flush, unsentBytes, writtenBytes, changed, retire, gone } = this.#deps
    const { verifyAfterIdleMs, keepalive, exclusive } = pool
    const options = { verifyAfterIdleMs, probes: keepalive !== false, stalls: exclusive !== true, alternatives }
    return new Liveness(clock, options, {
      probe: engine.probe,
      sendProbe: () => {
        const sent = engine.sendProbe()
        if (sent) flush()
        return sent
      },
      active: () => engine.active,
      openedStreams: () => engine.openedStreams,
      confirmed: () => engine.peerSettings.received,
      heldSlots: () => engine.heldSlots,
      freeSlots: () => engine.freeHeldSlots(),
      uploading: () => writtenBytes() > UPLOAD_BYTES,
      ...{ unsentBytes, changed, retire, gone },
    })
  }

  #keepAlive(): Keepalive | undefined {
    const { clock, engine, pool, pings, complaints, gone } = this.#deps
    if (typeof pool.keepalive !== 'object') return undefined
    return new Keepalive(clock, pool.keepalive, complaints, {
      receivedAt: () => this.#liveness.receivedAt,
      ping: (timeoutMs) => pings.send(timeoutMs),
      active: () => engine.active,
      failed: gone,
    })
  }
}
