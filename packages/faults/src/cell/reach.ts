/**
 * Brings a request into a phase. Each step waits for an event: something the server has seen, the
 * proxy has forwarded, or the client holds.
 */

import type { Phase } from '../phases.js'
import type { Attempt } from './attempt.js'
import type { Stage } from './stage.js'
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

export async function reach(phase: Phase, stage: Stage): Promise<Reached> {
  if (phase !== 'dial' && phase !== 'tls' && phase !== 'settings') await warm(stage)
  const reached = await PHASE[phase](stage)
  return {
    ...reached,
    proceed() {
      reached.proceed()
      stage.proxy.letGo()
      stage.backend.release(stage.options.run)
    },
  }
}

/** Opens a connection and waits for its SETTINGS. */
async function warm(stage: Stage): Promise<void> {
  const first = await stage.ask('ok', { kind: 'get' }).ending
  if (!first.ok) throw first.error
  await until(5_000, 'an idle connection', () => stage.active === 0)
}

const under = (attempt: Attempt, ...others: Attempt[]): Reached => ({ attempt: () => attempt, others, proceed: () => undefined })

/** If the server reports content only when it is complete, the proxy holds a part of it back. */
async function bufferedBody(stage: Stage): Promise<Reached> {
  const { kind, size } = stage.options
  const beside = kind === 'get' ? stage.ask('hold') : undefined
  if (beside !== undefined) await stage.backend.reached(beside.id, 'complete')
  const { toServer } = stage.proxy.links[0]!
  // More than the first TLS record, which contains the headers.
  const heldAfter = (size * 3) / 4
  stage.proxy.hold('toServer', heldAfter)
  const stop = toServer.passed + heldAfter
  const sent = stage.ask('ok', { kind: kind === 'get' ? 'stream' : kind })
  await toServer.when(({ passed, received }) => passed === stop && received > stop)
  return beside === undefined ? under(sent) : under(beside, sent)
}

const PHASE: Readonly<Record<Phase, (stage: Stage) => Promise<Reached>>> = {
  async dial(stage) {
    const held = stage.names.hold()
    const attempt = stage.ask('ok')
    await held.called
    return { ...under(attempt), proceed: held.go }
  },

  async tls(stage) {
    stage.proxy.hold('toClient')
    const attempt = stage.ask('ok')
    const link = await stage.proxy.accepted(1)
    await link.toClient.when(({ received }) => received > 0)
    return under(attempt)
  },

  async settings(stage) {
    const attempt = stage.ask('hold')
    const link = await stage.proxy.accepted(1)
    await link.toClient.when(({ received }) => received > 0)
    const hello = link.toServer.received
    await link.toServer.when(({ received }) => received > hello)
    // The server responds to the last bytes with a ticket and SETTINGS, some turns later.
    stage.proxy.hold('toClient')
    await stage.backend.reached(attempt.id, 'complete')
    return under(attempt)
  },

  async idle(stage) {
    let attempt: Attempt | undefined
    const make = (): Attempt => {
      attempt ??= stage.ask('ok')
      return attempt
    }
    return { attempt: make, others: [], proceed: () => undefined }
  },

  async queued(stage) {
    const streams = stage.backend.buffers ? MANY_STREAMS : 1
    const others = Array.from({ length: streams }, () => stage.ask('hold', { kind: 'get' }))
    await stage.backend.reached(others[0]!.id, 'complete')
    return under(stage.ask('ok'), ...others)
  },

  async headers(stage) {
    const { toServer } = stage.proxy.links[0]!
    stage.proxy.hold('toServer', FIRST_BYTES)
    const stop = toServer.passed + FIRST_BYTES
    const attempt = stage.ask('ok')
    await toServer.when(({ passed, received }) => passed === stop && received > stop)
    return under(attempt)
  },

  async body(stage) {
    if (stage.backend.buffers) return bufferedBody(stage)
    const goOn = gate()
    const { kind } = stage.options
    const sent = kind === 'post' ? stage.ask('unread') : stage.ask('hold', { kind: 'stream', goOn: goOn.promise })
    await stage.backend.reached(sent.id, kind === 'post' ? 'delivered' : 'content')
    const proceed = (): void => goOn.open()
    if (kind !== 'get') return { ...under(sent), proceed }
    const attempt = stage.ask('hold')
    await stage.backend.reached(attempt.id, 'complete')
    return { ...under(attempt, sent), proceed }
  },

  async waiting(stage) {
    const attempt = stage.ask('hold')
    await stage.backend.reached(attempt.id, 'complete')
    return under(attempt)
  },

  async reading(stage) {
    const read = gate()
    const attempt = stage.ask('half')
    const paused = stage.ask('half', { kind: 'get', readAfter: read.promise })
    await attempt.firstPart
    await paused.arrived(false)
    return { ...under(attempt, paused), paused, proceed: () => read.open() }
  },

  async complete(stage) {
    const read = gate()
    const attempt = stage.ask('ok', { readAfter: read.promise })
    await attempt.arrived(true)
    return { ...under(attempt), proceed: () => read.open() }
  },

  async closing(stage) {
    const attempt = stage.ask('hold')
    await stage.backend.reached(attempt.id, 'complete')
    const closed = stage.client.close()
    return { ...under(attempt), closed }
  },
}
