/** What every option is checked by. Knows no option. */

import { UsageError } from './errors.js'

/** Default, least, most. */
export type NumberRange = readonly [fallback: number, least: number, most: number]

/** Milliseconds that a timer of Node takes. */
export const DURATION_RANGE = [0, 0x7fff_ffff] as const

/** @throws UsageError `ERR_UNKNOWN_OPTION` for the first name that is not in `known`. */
export function refuseUnknown(options: object | undefined, known: ReadonlySet<string>, prefix: string): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null) throw invalidOption(prefix.replace(/\.$/, ''), 'an object', options)
  for (const name of Object.keys(options)) {
    if (!known.has(name)) throw new UsageError('ERR_UNKNOWN_OPTION', unknownOption(name, known, prefix))
  }
}

/** Longest part of an unknown name that an error shows, in characters. */
const MAX_SHOWN = 60

function unknownOption(name: string, known: ReadonlySet<string>, prefix: string): string {
  const shown = JSON.stringify(prefix + (name.length > MAX_SHOWN ? `${name.slice(0, MAX_SHOWN)}…` : name))
  const closest = closestName(name, known)
  return `unknown option ${shown}${closest === undefined ? '' : `: did you mean ${JSON.stringify(prefix + closest)}?`}`
}

/** The known name that a misspelled one stands for; `undefined` where none is near. */
function closestName(name: string, known: ReadonlySet<string>): string | undefined {
  if (name.length > MAX_SHOWN) return undefined
  const wanted = name.toLowerCase()
  let closest: string | undefined
  // A third of the name may differ.
  let least = Math.floor(Math.max(name.length, 3) / 3) + 1
  for (const candidate of known) {
    const text = candidate.toLowerCase()
    const edits = beginsAlike(wanted, text) ? 1 : editDistance(wanted, text)
    if (edits >= least) continue
    least = edits
    closest = candidate
  }
  return closest
}

/** Whether one text is the beginning of the other, or nearly: `retries` and `retry`. */
function beginsAlike(a: string, b: string): boolean {
  const length = Math.min(a.length, b.length)
  let same = 0
  while (same < length && a[same] === b[same]) same++
  return same === length || (same >= 4 && same >= length - 1)
}

/** Insertions, deletions and replacements that make one text the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let i = 1; i <= from.length; i++) {
    const current = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = previous[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1)
      current.push(Math.min(replaced, previous[j]! + 1, current[j - 1]! + 1))
    }
    previous = current
  }
  return previous[to.length]!
}

/** A whole number in a range, or what stands in for it. @throws UsageError `ERR_INVALID_OPTION`. */
export function inRange(name: string, value: number | undefined, fallback: number, least: number, most: number): number {
  if (value === undefined) return fallback
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw invalidOption(name, `a whole number from ${least} to ${most}`, value)
}

/** True or false. @throws UsageError `ERR_INVALID_OPTION`. */
export function flag(name: string, value: boolean | undefined, fallback: boolean): boolean {
  if (value === undefined) return fallback
  if (typeof value === 'boolean') return value
  throw invalidOption(name, 'true or false', value)
}

/** What an option takes, and what it was given. */
export function invalidOption(name: string, wanted: string, given: unknown): UsageError {
  const shown = typeof given === 'string' || (typeof given === 'object' && given !== null) ? JSON.stringify(given) : String(given)
  return new UsageError('ERR_INVALID_OPTION', `option ${name} takes ${wanted}, not ${shown}`)
}
