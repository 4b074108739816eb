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
    if (!known.has(name)) throw new UsageError('ERR_UNKNOWN_OPTION', `unknown option ${JSON.stringify(prefix + name)}`)
  }
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
