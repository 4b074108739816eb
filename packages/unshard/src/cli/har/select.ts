/** Selects, sorts and sums entries of a HAR. */

import type { HarLine } from './entries.js'

/** Orders of `--sort`. */
export const SORTS = ['start', 'duration', 'size', 'status'] as const

/** One of {@link SORTS}. */
export type Sort = (typeof SORTS)[number]

/** Sums over entries. */
export interface Totals {
  readonly entries: number
  /** Entries without a response, or with an error. */
  readonly failed: number
  /** Connections that carried them. */
  readonly connections: number
  /** Entries on a connection that was made for another origin. */
  readonly shared: number
  readonly bytes: number
  /** From the first start to the last end. */
  readonly durationMs: number
}

/** Returns the entries whose method, URL, status, reason or error contains `text`, in any case. */
export function filtered(lines: readonly HarLine[], text: string): HarLine[] {
  const wanted = text.toLowerCase()
  return lines.filter(({ method, url, status, because, error }) =>
    [method, url, status, because, error].join(' ').toLowerCase().includes(wanted),
  )
}

/** Sorts by start and status upwards, by duration and size downwards. Unknown values come last. */
export function sorted(lines: readonly HarLine[], sort: Sort): HarLine[] {
  const key = KEYS[sort]
  return lines.toSorted((a, b) => {
    const [first = Number.POSITIVE_INFINITY, second = Number.POSITIVE_INFINITY] = [key(a), key(b)]
    return first === second ? 0 : first - second
  })
}

const KEYS: Readonly<Record<Sort, (line: HarLine) => number | undefined>> = {
  start: ({ startMs }) => startMs,
  duration: ({ durationMs }) => (durationMs === undefined ? undefined : -durationMs),
  size: ({ bytes }) => (bytes === undefined ? undefined : -bytes),
  status: ({ status }) => status,
}

/** Groups entries by connection, in the order in which connections first appear. */
export function byConnection(lines: readonly HarLine[]): Map<string | undefined, HarLine[]> {
  const groups = new Map<string | undefined, HarLine[]>()
  for (const line of lines) {
    const group = groups.get(line.connection)
    if (group === undefined) groups.set(line.connection, [line])
    else group.push(line)
  }
  return groups
}

/** Whether an entry has no response, or an error. */
export function isFailed({ status, error }: HarLine): boolean {
  return status === 0 || error !== undefined
}

/** Returns the time of the first start, in milliseconds since 1970. */
export function firstStart(lines: readonly HarLine[]): number {
  return lines.reduce((least, { startMs = Number.POSITIVE_INFINITY }) => Math.min(least, startMs), Number.POSITIVE_INFINITY)
}

/** Sums. */
export function totalsOf(lines: readonly HarLine[]): Totals {
  const start = firstStart(lines)
  const end = lines.reduce((most, { startMs = start, durationMs = 0 }) => Math.max(most, startMs + durationMs), start)
  return {
    entries: lines.length,
    failed: lines.filter(isFailed).length,
    connections: new Set(lines.map(({ connection }) => connection).filter((id) => id !== undefined)).size,
    shared: lines.filter(({ shared }) => shared === true).length,
    bytes: lines.reduce((sum, { bytes = 0 }) => sum + bytes, 0),
    durationMs: Number.isFinite(start) ? end - start : 0,
  }
}
