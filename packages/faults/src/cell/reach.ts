/**
 * Brings a request into a phase. Each step waits for an event: something the server has seen, the
 * proxy has forwarded, or the client holds.
 */

import type { Phase } from '../phases.js'
import type { Attempt } from './attempt.js'
import type { CellFixture } from './fixture.js'
import { gate, until } from './time.js'

/** Bytes of a request that reach the server in phase `headers`: less than one TLS record. */
const FIRST_BYTES = 12

/** More than any external server accepts at once. */
const MANY_STREAMS = 300

export interface Reached {
  /** Returns the request under test; creates it now if the phase precedes it. */
  attempt(): Attempt
  /** Parallel requests that the fault affects as well. */
  readonly others: readonly Attempt[]
  /** One of them, which is not read before `proceed`. */
  readonly paused?: Attempt
  /** Releases everything that was held to stay in the phase. */
  proceed(): void
  /** Result of `client.close()`. */
  readonly closed?: Promise<void>
}

export async function reach(phase: Phase, fixture: CellFixture): Promise<Reached> {
  if (phase !== 'dial' && phase !== 'tls' && phase !== 'settings') await warm(fixture)
  const reached = await PHASE[phase](fixture)
  return {
    ...reached,
    proceed() {
      reached.proceed()
      fixture.proxy.letGo()
      fixture.backend.release(fixture.options.run)
    },
  }
}

/** Opens a connection and waits for its SETTINGS. */
async function warm(fixture: CellFixture): Promise<void> {
  const first = await fixture.ask('ok', { kind: 'get' }).ending
  if (!first.ok) throw first.error
  await until(5_000, 'an idle connection', () => fixture.active === 0)
}

const under = (attempt: Attempt, ...others: Attempt[]): Reached => ({ attempt: () => attempt, others, proceed: () => undefined })

/** If the server reports content only when it is complete, the proxy holds a part of it back. */
async function bufferedBody(fixture: CellFixture): Promise<Reached> {
  const { kind, size } = fixture.options
  const beside = kind === 'get' ? fixture.ask('hold') : undefined
  if (beside !== undefined) await fixture.backend.reached(beside.id, 'complete')
  const { toServer } = fixture.proxy.links[0]!
  // More than the first TLS record, which contains the headers.
  const heldAfter = (size * 3) / 4
  fixture.proxy.hold('toServer', heldAfter)
  const stop = toServer.passed + heldAfter
  const sent = fixture.ask('ok', { kind: kind === 'get' ? 'stream' : kind })
  await toServer.when(({ passed, received }) => passed === stop && received > stop)
  return beside === undefined ? under(sent) : under(beside, sent)
}

const PHASE: Readonly<Record<Phase, (fixture: CellFixture) => Promise<Reached>>> = {
  async dial(fixture) {
    const held = fixture.names.hold()
    const attempt = fixture.ask('ok')
    await held.called
    return { ...under(attempt), proceed: held.go }
  },

  async tls(fixture) {
    fixture.proxy.hold('toClient')
    const attempt = fixture.ask('ok')
    const link = await fixture.proxy.accepted(1)
    await link.toClient.when(({ received }) => received > 0)
    return under(attempt)
  },

  async settings(fixture) {
    const attempt = fixture.ask('hold')
    const link = await fixture.proxy.accepted(1)
    await link.toClient.when(({ received }) => received > 0)
    const hello = link.toServer.received
    await link.toServer.when(({ received }) => received > hello)
    // The server responds to the last bytes with a ticket and SETTINGS, some turns later.
    fixture.proxy.hold('toClient')
    await fixture.backend.reached(attempt.id, 'complete')
    return under(attempt)
  },

  async idle(fixture) {
    let attempt: Attempt | undefined
    const make = (): Attempt => {
      attempt ??= fixture.ask('ok')
      return attempt
    }
    return { attempt: make, others: [], proceed: () => undefined }
  },

  async queued(fixture) {
    const streams = fixture.backend.buffers ? MANY_STREAMS : 1
    const others = Array.from({ length: streams }, () => fixture.ask('hold', { kind: 'get' }))
    await fixture.backend.reached(others[0]!.id, 'complete')
    return under(fixture.ask('ok'), ...others)
  },

  async headers(fixture) {
    const { toServer } = fixture.proxy.links[0]!
    fixture.proxy.hold('toServer', FIRST_BYTES)
    const stop = toServer.passed + FIRST_BYTES
    const attempt = fixture.ask('ok')
    await toServer.when(({ passed, received }) => passed === stop && received > stop)
    return under(attempt)
  },

  async body(fixture) {
    if (fixture.backend.buffers) return bufferedBody(fixture)
    const goOn = gate()
    const { kind } = fixture.options
    const sent = kind === 'post' ? fixture.ask('unread') : fixture.ask('hold', { kind: 'stream', goOn: goOn.promise })
    await fixture.backend.reached(sent.id, kind === 'post' ? 'delivered' : 'content')
    const proceed = (): void => goOn.open()
    if (kind !== 'get') return { ...under(sent), proceed }
    const attempt = fixture.ask('hold')
    await fixture.backend.reached(attempt.id, 'complete')
    return { ...under(attempt, sent), proceed }
  },

  async waiting(fixture) {
    const attempt = fixture.ask('hold')
    await fixture.backend.reached(attempt.id, 'complete')
    return under(attempt)
  },

  async reading(fixture) {
    const read = gate()
    const attempt = fixture.ask('half')
    const paused = fixture.ask('half', { kind: 'get', readAfter: read.promise })
    await attempt.firstPart
    await paused.arrived(false)
    return { ...under(attempt, paused), paused, proceed: () => read.open() }
  },

  async complete(fixture) {
    const read = gate()
    const attempt = fixture.ask('ok', { readAfter: read.promise })
    await attempt.arrived(true)
    return { ...under(attempt), proceed: () => read.open() }
  },

  async closing(fixture) {
    const attempt = fixture.ask('hold')
    await fixture.backend.reached(attempt.id, 'complete')
    const closed = fixture.client.close()
    return { ...under(attempt), closed }
  },
}
