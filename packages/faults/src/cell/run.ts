/** One run of a cell: phase, fault, outcome, and whether the client is well afterwards. What is wrong is said in words. */

import { byDeadline, isExpected, type Outcome, outcomeOf } from '../expected/outcome.js'
import type { Harm, Scene } from '../harm/harm.js'
import type { Attempt, Ending } from './attempt.js'
import { reach } from './reach.js'
import type { Stage } from './stage.js'
import { turn, until, within } from './time.js'

/** No cell takes so long, whatever is slow in it. Milliseconds. */
const PATIENCE_MS = 25_000
/** The longest deadline, of which one is allowed, and what a tick may be late. Milliseconds of the fake clock. */
const ONE_DEADLINE_MS = 8_200
/** How long a peer may be silent after a reset before new requests go elsewhere (docs/concepts/security.md). */
const SILENCE_MS = 10_300
const STEP_MS = 50
/** A tick for the progress that is still seen, one for the deadline, and the steps between. */
const LATE_MS = 200

export interface Play {
  readonly scene: Omit<Scene, 'reached'>
  readonly harm: Harm
  readonly expected: Outcome
}

/** Returns what is wrong, nothing where all is well. */
export async function play({ scene: given, harm, expected }: Play): Promise<string[]> {
  const { stage, phase } = given
  const wrong: string[] = []
  const reached = await within(PATIENCE_MS, `phase ${phase} is not reached`, reach(harm.startIn ?? phase, stage))
  const scene: Scene = { ...given, reached }
  // A server that still reloads from the cell before may have cost the first request of this one a replay.
  const before = stage.client.stats().totals.replayed
  await within(PATIENCE_MS, 'the fault does not strike', Promise.resolve(harm.apply(scene)))
  const attempt = reached.attempt()
  reached.proceed()
  await harm.during?.(scene)
  const passedMs = byDeadline(expected) ? await passTime(stage, attempt) : 0
  const ending = await within(PATIENCE_MS, 'the request does not settle', attempt.ending)
  const late = passedMs - (ending.ok ? ONE_DEADLINE_MS : ((ending.error as { ms?: number }).ms ?? ONE_DEADLINE_MS))
  if (late > LATE_MS) wrong.push(`its deadline passed ${late} ms too late`)
  const outcome = outcomeOf(ending, stage.client.stats().totals.replayed - before)
  if (!isExpected(plain(outcome, reached.others.length > 0), plain(expected, reached.others.length > 0))) {
    wrong.push(`ended with ${outcome}, not ${expected}${said(ending)}`)
  }
  await harm.lift?.(scene)
  await settleOthers(stage, reached.others)
  wrong.push(...(await pausedIsWrong(reached.paused, expected)))
  if (reached.closed === undefined) wrong.push(...(await followUp(scene, harm)))
  else await closes(stage, reached.closed)
  wrong.push(...(await deliveries(stage, attempt, ending)))
  return wrong
}

/** Beside other requests a count of replays says nothing about this one. */
function plain(outcome: Outcome, crowded: boolean): Outcome {
  return crowded ? outcome.replace(/replayed( \d+ times)?/g, 'ok') : outcome
}

function said(ending: Ending): string {
  if (ending.ok) return ''
  const { message, stack } = ending.error as Error
  return `: ${message}${ending.error instanceof TypeError ? `\n${stack}` : ''}`
}

/** What waits for a deadline waits for time alone. Returns how much of it, milliseconds. */
async function passTime(stage: Stage, attempt: Attempt): Promise<number> {
  let ms = 0
  for (; ms < ONE_DEADLINE_MS && !attempt.settled; ms += STEP_MS) {
    stage.clock!.advance(STEP_MS)
    await turn()
  }
  return ms
}

/** Requests beside it end in any way, within their own deadlines. */
async function settleOthers(stage: Stage, others: readonly Attempt[]): Promise<void> {
  const all = Promise.all(others.map(({ ending }) => ending))
  const quick = await Promise.race([all, new Promise<undefined>((resolve) => setTimeout(resolve, 300, undefined).unref())])
  if (quick === undefined) for (const other of others) if (stage.clock !== undefined) await passTime(stage, other)
  await within(PATIENCE_MS, 'a request beside it does not settle', all)
}

/** What its reader left alone is cut as the other one is; a deadline does not end it, for its reader is what it waits for. */
async function pausedIsWrong(paused: Attempt | undefined, expected: Outcome): Promise<string[]> {
  if (paused === undefined) return []
  const outcome = outcomeOf(await paused.ending, 0)
  // Of one stream alone.
  const wanted = byDeadline(expected) || expected.startsWith('StreamError') ? 'ok' : expected
  const fine = isExpected(outcome, wanted) || outcome === expected
  return fine ? [] : [`the response that nobody read ended with ${outcome}, not ${wanted}`]
}

/** The same client, the network well again: the next request is answered. */
async function followUp(scene: Scene, harm: Harm): Promise<string[]> {
  const { stage } = scene
  const stays = harm.stays?.(scene) === true
  let next = stage.ask('ok', { kind: 'get' })
  if (stays) {
    // Where nobody has noticed yet, finding out costs one deadline.
    await Promise.race([next.ending, passTime(stage, next)])
    if (!(await within(PATIENCE_MS, 'the next request does not settle', next.ending)).ok) {
      for (let ms = 0; ms < SILENCE_MS; ms += STEP_MS) {
        stage.clock!.advance(STEP_MS)
        await turn()
      }
      next = stage.ask('ok', { kind: 'get' })
    }
  }
  const ending = await within(PATIENCE_MS, 'the next request does not settle', next.ending)
  if (!ending.ok) return [`the next request failed${said(ending)}`]
  await until(PATIENCE_MS, 'no request is under way', () => stays || stage.active === 0)
  return []
}

async function closes(stage: Stage, closed: Promise<void>): Promise<void> {
  let done = false
  const settled = closed.then(() => {
    done = true
  })
  // A peer that does not close is waited for one second, of the client's clock.
  for (let ms = 0; ms < 20_000 && !done; ms += 1_000) {
    await Promise.race([settled, new Promise((resolve) => setTimeout(resolve, 20).unref())])
    if (!done) stage.clock?.advance(1_000)
  }
  await within(PATIENCE_MS, 'close() does not resolve', closed)
}

/** No POST twice, no GET more than three times, and nothing at all where the error says so. */
async function deliveries(stage: Stage, attempt: Attempt, ending: Ending): Promise<string[]> {
  const wrong: string[] = []
  for (const each of stage.attempts) {
    const count = await within(PATIENCE_MS, 'the server does not answer for its deliveries', stage.backend.deliveries(each.id))
    // One replay that counts, and one that does not because other requests shared the loss.
    const most = each.method === 'GET' ? 3 : 1
    if (count > most) wrong.push(`${each.method} ${each.id} was delivered ${count} times`)
    if (each !== attempt) continue
    if (ending.ok && count === 0) wrong.push('answered, and never delivered')
    const { processed } = ending.ok ? { processed: 'yes' } : (ending.error as { processed?: string })
    if (processed === 'no' && count > 0) wrong.push(`"processed" is "no", and it was delivered ${count} times`)
  }
  return wrong
}
