/**
 * F06, F08, F09, F22: nothing is lost, but data is delayed, split into single bytes, merged, or
 * arrives while the client is blocked.
 */

import { turn } from '../cell/time.js'
import type { Phase } from '../phases.js'
import { pick } from '../random.js'
import { type Fault, SLOW_SIZE } from './fault.js'

/** Phases with few remaining round trips. */
const LATE: ReadonlySet<Phase> = new Set(['waiting', 'reading', 'complete', 'closing'])

export const latency: Fault = {
  says: 'latency of 1 ms to 2 s, with jitter',
  realClock: true,
  size: SLOW_SIZE,
  apply({ phase, fixture, random }) {
    const [latencyMs, jitterMs] = pick(random, [
      [1, 1] as const,
      [20, 40] as const,
      LATE.has(phase) ? [1_000, 1_000] : [100, 100],
    ])
    fixture.proxy.set('both', { latencyMs, jitterMs })
  },
  lift: ({ fixture }) => fixture.proxy.set('both', { latencyMs: 0, jitterMs: 0 }),
}

export const slices: Fault = {
  says: 'writes of one byte',
  realClock: true,
  size: SLOW_SIZE,
  apply: ({ fixture }) => fixture.proxy.set('both', { sliceBytes: 1 }),
  lift: ({ fixture }) => fixture.proxy.set('both', { sliceBytes: 0 }),
}

/** Longer than the server takes to write a whole response. */
const MERGE_MS = 25

export const merged: Fault = {
  says: 'a whole response in one segment',
  realClock: true,
  apply: ({ fixture }) => fixture.proxy.set('both', { mergeMs: MERGE_MS }),
  lift: ({ fixture }) => fixture.proxy.set('both', { mergeMs: 0 }),
}

const BLOCKED_MS = 1_000

export const blockedLoop: Fault = {
  says: "the client's event loop is blocked for a second",
  realClock: true,
  // The proxy runs in the blocked process, too: without it, the response has arrived when the
  // process resumes, and every deadline has passed.
  direct: (variant) => variant === 'late',
  timeoutMs: (variant) => (variant === 'late' ? BLOCKED_MS / 2 : undefined),
  apply() {},
  async during() {
    // Let the last write be sent.
    await turn()
    for (const end = performance.now() + BLOCKED_MS; performance.now() < end; );
  },
}
