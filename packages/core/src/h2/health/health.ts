/**
 * The health of one HTTP/2 connection, in one place: is the peer there (`liveness.ts`), the PINGs that a caller has asked for
 * (`keepalive.ts`), what a GOAWAY has left open (`goaway-watch.ts`), and a peer that allows no stream at all.
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

/** Time after which a peer that allows no stream is left, milliseconds: it may allow some a moment later. */
const NO_STREAMS_MS = 1_000
/** Bytes without an answer that are more than requests alone come to: content is on its way. */
const UPLOAD_BYTES = 65_536

/** The connection, as its health sees it. */
export interface HealthDeps {
  readonly clock: Clock
  readonly engine: Protocol<H2Exchange>
  readonly pool: ResolvedPoolSettings
  readonly pings: Pings
  /** Whether the origin has other addresses. */
  readonly alternatives: boolean
  /** How often the origin has sent `too_many_pings`. */
  readonly complaints: number
  /** Bytes that wait for the socket. */
  unsentBytes(): number
  /** Bytes that were written since a byte was received last. */
  writtenBytes(): number
  /** There is output to write. */
  flush(): void
  /** Whether requests may be sent has changed. */
  changed(): void
  /** No new request is to be sent here. */
  retire(): void
  /** Nothing is received any more. */
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

  /** Whether nothing new is sent until a byte is received. */
  get verifying(): boolean {
    return this.#liveness.verifying
  }

  /** Whether new requests may be sent, as far as this goes. */
  get ready(): boolean {
    return !this.#liveness.verifying && !this.#liveness.stalled
  }

  /** Whether other connections take new requests, because no open stream has moved for long. */
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

  /** See {@link Liveness.suspect}. */
  suspect(): void {
    this.#liveness.suspect()
  }

  /** The first of the streams that are open now was opened. */
  busy(): void {
    this.#liveness.busy()
  }

  /** No stream is open any more. */
  idle(): void {
    this.#liveness.idle()
  }

  /** Output was written. */
  written(): void {
    const { engine } = this.#deps
    if (engine.heldSlots > 0 || engine.probe.outstanding) this.#liveness.written()
  }

  /** The peer's settings may have changed. One that allows no stream (RFC 9113 §5.1.2), and stays so, is of no use to new requests. */
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

  /** A GOAWAY with an error has come: the peer may still finish what it has left open, or never get to it (RFC 9113 §6.8). */
  goawayReceived(errorCode: number): void {
    const { engine, clock } = this.#deps
    const reason = `nothing was received on the stream since GOAWAY ${errorCodeName(errorCode)}`
    const end = { errorCode, initiator: 'peer', reason, unprocessed: false } as const
    const open = (): H2Exchange[] => [...engine.open()].map(({ owner }) => owner)
    this.#goaway ??= new GoawayWatch(clock, open, (exchange) => exchange.giveUp(end))
  }

  /** The connection is closed. */
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
