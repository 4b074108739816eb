/** Draws callers: each kind makes some requests in its own way. */

import { Random } from '../kernel/random.js'
import { neededMs, type RequestScript } from '../script/script.js'
import type { Group } from './topology.js'

/** How a caller behaves. */
export type CallerKind =
  | 'steady'
  | 'burst'
  | 'posts'
  | 'longPolls'
  | 'events'
  | 'uploads'
  | 'downloads'
  | 'aborts'
  | 'deadlines'
  | 'isolated'
  | 'poison'
  | 'careless'
  | 'liars'
  | 'sparse'

type Part = Omit<RequestScript, 'id' | 'origin'>

/** Makes the requests of one caller to one group within `spanMs`. */
type Kind = (random: Random, spanMs: number, group: Group) => Part[]

/** Worlds that last longer have more requests. */
const LONG_SPAN_MS = 600_000

const quick = (random: Random): Pick<Part, 'method' | 'thinkMs' | 'bytes'> => ({
  method: 'GET',
  thinkMs: random.log(1, 400),
  bytes: random.log(1, 30_000),
})

const repeat = (count: number, make: (index: number) => Part): Part[] => Array.from({ length: count }, (_, index) => make(index))

export const KINDS: Readonly<Record<CallerKind, Kind>> = {
  steady: (random, spanMs) =>
    repeat(random.log(30, 400) * (spanMs > LONG_SPAN_MS ? 3 : 1), () => ({ at: random.int(0, spanMs), ...quick(random) })),
  burst: (random, spanMs, { http1 }) => {
    const at = random.int(0, spanMs)
    return repeat(random.log(20, http1 ? 40 : 500), () => ({ at: at + random.int(0, 2), ...quick(random) }))
  },
  posts: (random, spanMs) =>
    repeat(random.log(15, 200), () => ({
      ...{ at: random.int(0, spanMs), ...quick(random), method: 'POST' },
      ...(random.chance(0.3) ? { keyed: true } : {}),
      upload: { bytes: random.log(1, 20_000), kind: 'buffered' },
    })),
  longPolls: (random, spanMs, { http1 }) =>
    repeat(random.int(1, http1 ? 2 : 6), () => ({
      at: random.int(0, spanMs),
      method: 'GET',
      thinkMs: random.log(20_000, 1_200_000),
      bytes: 50,
    })),
  events: (random, spanMs, { http1 }) =>
    repeat(random.int(1, http1 ? 1 : 3), () => ({
      ...{
        at: random.int(0, spanMs),
        method: 'GET',
        thinkMs: 10,
        bytes: 120,
        parts: random.log(10, 150),
        everyMs: random.log(1_000, 300_000),
      },
    })),
  uploads: (random, spanMs) =>
    repeat(random.int(1, 4), () => ({
      ...{ at: random.int(0, spanMs), method: 'POST', thinkMs: random.int(1, 1_000), bytes: 100 },
      upload: {
        bytes: random.log(50_000, 3_000_000),
        ...(random.chance(0.5)
          ? { kind: 'buffered' as const }
          : { kind: 'streamed' as const, everyMs: random.pick([0, 0, 10, 100]) }),
      },
    })),
  downloads: (random, spanMs) =>
    repeat(random.int(1, 4), () => ({
      ...{ at: random.int(0, spanMs), method: 'GET', thinkMs: random.int(1, 100), bytes: random.log(100_000, 3_000_000) },
      ...(random.chance(0.3) ? { reader: 'slow' as const } : {}),
    })),
  aborts: (random, spanMs) =>
    repeat(random.log(10, 150), () => ({ at: random.int(0, spanMs), ...quick(random), abortAfterMs: random.log(1, 1_000) })),
  deadlines: (random, spanMs) =>
    repeat(random.log(5, 60), () => ({
      ...{ at: random.int(0, spanMs), ...quick(random), totalMs: random.pick([500, 2_000, 10_000, 30_000]) },
      ...(random.chance(0.2) ? { headersMs: random.pick([1_000, 5_000]) } : {}),
    })),
  isolated: (random, spanMs) =>
    repeat(random.log(5, 60), () => ({ at: random.int(0, spanMs), ...quick(random), isolation: random.pick(['one', 'two']) })),
  poison: (random, spanMs) => [
    {
      at: random.int(0, spanMs),
      ...quick(random),
      thinkMs: random.log(1, 2_000),
      poison: random.pick(['reset', 'goaway', 'close'] as const),
    },
  ],
  careless: (random, spanMs) =>
    repeat(random.int(1, 4), () => ({
      ...{
        at: random.int(0, spanMs),
        ...quick(random),
        bytes: random.log(10, 200_000),
        reader: random.pick(['never', 'cancels'] as const),
      },
    })),
  liars: (random, spanMs) => repeat(random.int(1, 3), () => ({ at: random.int(0, spanMs), ...quick(random), lies: true })),
  sparse: (random, spanMs) => {
    const everyMs = random.pick([30_000, 61_000, 90_000, 310_000])
    return repeat(Math.max(2, Math.floor(spanMs / everyMs)), (index) => ({ at: index * everyMs, ...quick(random) }))
  },
}

/** Draws the requests of `count` callers. */
export function drawLoad(
  seed: number,
  groups: readonly Group[],
  kinds: readonly (readonly [weight: number, kind: CallerKind])[],
  { count, spanMs }: { readonly count: number; readonly spanMs: number },
): RequestScript[] {
  const requests: RequestScript[] = []
  for (let caller = 1; caller <= count; caller++) {
    // A stream of its own for each caller.
    const random = new Random(seed, `caller ${caller}`)
    const group = random.pick(groups)
    const kind = random.weighted(kinds)
    for (const request of drawCaller(random, group, kind, spanMs)) requests.push({ id: requests.length + 1, ...request })
  }
  return requests
}

/** Draws the requests of one caller, without their numbers. */
export function drawCaller(random: Random, group: Group, kind: CallerKind, spanMs: number): Omit<RequestScript, 'id'>[] {
  const hosts = random.chance(0.5) ? [random.pick(group.hosts)] : group.hosts
  const fitting = group.http1 && (kind === 'longPolls' || kind === 'events') ? 'steady' : kind
  return KINDS[fitting](random, spanMs, group).map((part) => ({ origin: `https://${random.pick(hosts)}`, ...part }))
}

/** When the last request ends if nothing goes wrong, roughly. */
export function endOfLoad(requests: readonly RequestScript[]): number {
  return Math.max(0, ...requests.map((request) => request.at + neededMs(request)))
}
