/**
 * One run of a cell: phase, fault, outcome, and the state of the client afterwards. Problems are
 * described in text.
 */

import { byDeadline, isExpected, type Outcome, outcomeOf } from '../expected/outcome.js'
import type { Fault, Scene } from '../fault/fault.js'
import type { Attempt, Ending } from './attempt.js'
import type { CellFixture } from './fixture.js'
import { reach } from './reach.js'
import { turn, until, within } from './time.js'

/** Maximum duration of a cell, in milliseconds, however slow its fault is. */
const CELL_TIMEOUT_MS = 25_000
/**
 * The longest deadline, which may pass once, plus the delay of a tick. Milliseconds of the fake
 * clock.
 */
const ONE_DEADLINE_MS = 8_200
/**
 * Maximum time without a frame from a peer after a reset, before new requests use another
 * connection (docs/concepts/security.md).
 */
const SILENCE_MS = 10_300
const STEP_MS = 50
/** One tick for the last observed progress, one for the deadline, and the steps between. */
const LATE_MS = 200

export interface Play {
  readonly scene: Omit<Scene, 'reached'>
  readonly fault: Fault
  readonly expected: Outcome
}

/** Plays a cell and returns the problems, an empty list if it passes. */
export async function play({ scene: given, fault, expected }: Play): Promise<string[]> {
  const { fixture, phase } = given
  const problems: string[] = []
  const reached = await within(CELL_TIMEOUT_MS, `phase ${phase} was not reached`, reach(fault.startIn ?? phase, fixture))
  const scene: Scene = { ...given, reached }
  // A server that is still reloading from the previous cell may have cost this cell's first request
  // a replay.
  const before = fixture.client.stats().totals.replayed
  await within(CELL_TIMEOUT_MS, 'the fault did not strike', Promise.resolve(fault.apply(scene)))
  const attempt = reached.attempt()
  reached.proceed()
  await fault.during?.(scene)
  const passedMs = byDeadline(expected) ? await passTime(fixture, attempt) : 0
  const ending = await within(CELL_TIMEOUT_MS, 'the request did not settle', attempt.ending)
  const lateMs = passedMs - (ending.ok ? ONE_DEADLINE_MS : ((ending.error as { ms?: number }).ms ?? ONE_DEADLINE_MS))
  if (lateMs > LATE_MS) problems.push(`its deadline passed ${lateMs} ms too late`)
  const outcome = outcomeOf(ending, fixture.client.stats().totals.replayed - before)
  if (!isExpected(plain(outcome, reached.others.length > 0), plain(expected, reached.others.length > 0))) {
    problems.push(`ended with ${outcome}, not ${expected}${describeError(ending)}`)
  }
  await fault.lift?.(scene)
  await settleOthers(fixture, reached.others)
  problems.push(...(await pausedIsWrong(reached.paused, expected)))
  if (reached.closed === undefined) problems.push(...(await followUp(scene, fault)))
  else await closes(fixture, reached.closed)
  problems.push(...(await deliveries(fixture, attempt, ending)))
  return problems
}

/** With parallel requests, the number of replays says nothing about this one. */
function plain(outcome: Outcome, crowded: boolean): Outcome {
  return crowded ? outcome.replace(/replayed( \d+ times)?/g, 'ok') : outcome
}

function describeError(ending: Ending): string {
  if (ending.ok) return ''
  const { message, stack } = ending.error as Error
  return `: ${message}${ending.error instanceof TypeError ? `\n${stack}` : ''}`
}

/**
 * Advances the clock for a request that only a deadline can end. Returns the time that passed, in
 * milliseconds.
 */
async function passTime(fixture: CellFixture, attempt: Attempt): Promise<number> {
  let ms = 0
  for (; ms < ONE_DEADLINE_MS && !attempt.settled; ms += STEP_MS) {
    fixture.clock!.advance(STEP_MS)
    await turn()
  }
  return ms
}

/** Parallel requests may end in any way, within their own deadlines. */
async function settleOthers(fixture: CellFixture, others: readonly Attempt[]): Promise<void> {
  const all = Promise.all(others.map(({ ending }) => ending))
  const quick = await Promise.race([all, new Promise<undefined>((resolve) => setTimeout(resolve, 300, undefined).unref())])
  if (quick === undefined) for (const other of others) if (fixture.clock !== undefined) await passTime(fixture, other)
  await within(CELL_TIMEOUT_MS, 'a parallel request did not settle', all)
}

/**
 * An unread response is cut off like the other one, but a deadline does not end it, because it
 * waits for its own reader.
 */
async function pausedIsWrong(paused: Attempt | undefined, expected: Outcome): Promise<string[]> {
  if (paused === undefined) return []
  const outcome = outcomeOf(await paused.ending, 0)
  // The fault affects only one stream.
  const wanted = byDeadline(expected) || expected.startsWith('StreamError') ? 'ok' : expected
  const fine = isExpected(outcome, wanted) || outcome === expected
  return fine ? [] : [`the unread response ended with ${outcome}, not ${wanted}`]
}

/** Uses the same client after the network has recovered: the next request must succeed. */
async function followUp(scene: Scene, fault: Fault): Promise<string[]> {
  const { fixture } = scene
  const stays = fault.stays?.(scene) === true
  let next = fixture.ask('ok', { kind: 'get' })
  if (stays) {
    // If the client has not noticed the loss yet, noticing it costs one deadline.
    await Promise.race([next.ending, passTime(fixture, next)])
    if (!(await within(CELL_TIMEOUT_MS, 'the next request did not settle', next.ending)).ok) {
      for (let ms = 0; ms < SILENCE_MS; ms += STEP_MS) {
        fixture.clock!.advance(STEP_MS)
        await turn()
      }
      next = fixture.ask('ok', { kind: 'get' })
    }
  }
  const ending = await within(CELL_TIMEOUT_MS, 'the next request did not settle', next.ending)
  if (!ending.ok) return [`the next request failed${describeError(ending)}`]
  await until(CELL_TIMEOUT_MS, 'no request in flight', () => stays || fixture.active === 0)
  return []
}

async function closes(fixture: CellFixture, closed: Promise<void>): Promise<void> {
  let done = false
  const settled = closed.then(() => {
    done = true
  })
  // The client waits one second of its clock for a peer that does not close.
  for (let ms = 0; ms < 20_000 && !done; ms += 1_000) {
    await Promise.race([settled, new Promise((resolve) => setTimeout(resolve, 20).unref())])
    if (!done) fixture.clock?.advance(1_000)
  }
  await within(CELL_TIMEOUT_MS, 'close() did not resolve', closed)
}

/** No POST may arrive twice, no GET more than three times, and nothing if the error says so. */
async function deliveries(fixture: CellFixture, attempt: Attempt, ending: Ending): Promise<string[]> {
  const problems: string[] = []
  for (const each of fixture.attempts) {
    const count = await within(CELL_TIMEOUT_MS, 'the server did not report its deliveries', fixture.backend.deliveries(each.id))
    // One replay that counts, and one that does not because other requests were lost as well.
    const maxCount = each.method === 'GET' ? 3 : 1
    if (count > maxCount) problems.push(`${each.method} ${each.id} was delivered ${count} times`)
    if (each !== attempt) continue
    if (ending.ok && count === 0) problems.push('answered but never delivered')
    const { processed } = ending.ok ? { processed: 'yes' } : (ending.error as { processed?: string })
    if (processed === 'no' && count > 0) problems.push(`"processed" is "no", but it was delivered ${count} times`)
  }
  return problems
}
