/** Validators of options, and how a value is shown in an error. Knows specific options only where their values may be secret. */

import { UsageError } from '../errors/errors.js'

/** Default, minimum, maximum. */
export type NumberRange = readonly [fallback: number, least: number, most: number]

/** Range of a Node timer, in milliseconds. */
export const DURATION_RANGE = [0, 0x7fff_ffff] as const

/**
 * Refuses names that are not in `known`.
 * @param prefix prefix of the names in errors, such as `tls.`.
 * @param taker name of the function that takes the options, such as `close()`.
 * @throws UsageError `ERR_UNKNOWN_OPTION` for the first unknown name; `ERR_INVALID_OPTION` for a value that is not an object.
 */
export function refuseUnknown(options: object | undefined, known: ReadonlySet<string>, prefix: string, taker?: string): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null) throw notAnObject(options, prefix, taker)
  for (const name of Object.keys(options)) if (!known.has(name)) throw unknownOption(name, known, prefix, taker)
}

/**
 * Copies the options' own members. The copy has no prototype, so a polluted `Object.prototype` has
 * no effect.
 * @throws UsageError as {@link refuseUnknown}.
 */
export function ownOptions<T extends object>(
  options: T | undefined,
  known: ReadonlySet<string>,
  prefix: string,
  taker?: string,
): Partial<T> {
  refuseUnknown(options, known, prefix, taker)
  return { __proto__: null, ...options } as unknown as Partial<T>
}

/** The error for a value that is not an options object. */
export function notAnObject(given: unknown, prefix: string, taker?: string): UsageError {
  if (taker === undefined || prefix !== '') return invalidOption(prefix.replace(/\.$/, ''), 'an object', given)
  return new UsageError('ERR_INVALID_OPTION', `${taker} takes an object of options, not ${shownValue(given)}`)
}

/** Maximum length of an unknown name in an error, in characters. */
const MAX_SHOWN = 60

/** The error for a name that is not in `known`. @param hint advice if no known name is similar. */
export function unknownOption(name: string, known: ReadonlySet<string>, prefix: string, taker?: string, hint = ''): UsageError {
  const shown = printable(prefix + (name.length > MAX_SHOWN ? `${name.slice(0, MAX_SHOWN)}…` : name))
  const closest = closestName(name, known)
  const of = taker === undefined ? '' : ` of ${taker}`
  const advice = closest === undefined ? hint : `: did you mean ${JSON.stringify(prefix + closest)}?`
  return new UsageError('ERR_UNKNOWN_OPTION', `unknown option ${shown}${of}${advice}`)
}

/** Returns the known name most similar to a misspelled one; `undefined` if none is similar. */
function closestName(name: string, known: ReadonlySet<string>): string | undefined {
  if (name.length > MAX_SHOWN) return undefined
  const wanted = name.toLowerCase()
  let closest: string | undefined
  // At most a third of the name may differ.
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

/** Whether one text is nearly a prefix of the other, e.g. `retries` and `retry`. */
function beginsAlike(a: string, b: string): boolean {
  const length = Math.min(a.length, b.length)
  let same = 0
  while (same < length && a[same] === b[same]) same++
  return same === length || (same >= 4 && same >= length - 1)
}

/** Returns the Levenshtein distance of two texts. */
export function editDistance(from: string, to: string): number {
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

/**
 * Checks a whole number in a range; returns `fallback` for `undefined`.
 * @throws UsageError `ERR_INVALID_OPTION`.
 */
export function inRange(name: string, value: number | undefined, fallback: number, least: number, most: number): number {
  if (value === undefined) return fallback
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw invalidOption(name, `a whole number from ${least} to ${most}`, value)
}

/**
 * Checks a boolean; returns `fallback` for `undefined`.
 * @throws UsageError `ERR_INVALID_OPTION`.
 */
export function flag(name: string, value: boolean | undefined, fallback: boolean): boolean {
  if (value === undefined) return fallback
  if (typeof value === 'boolean') return value
  throw invalidOption(name, 'true or false', value)
}

/** Checks an isolation. @throws UsageError `ERR_INVALID_OPTION`. */
export function checkIsolation(value: string | undefined): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  throw invalidOption('isolation', 'a string', value)
}

/** The error for an invalid option value. */
export function invalidOption(name: string, wanted: string, given: unknown): UsageError {
  const secret = SECRET.test(name) && !PUBLIC.has(name.slice(name.lastIndexOf('.') + 1))
  const shown = secret ? kindOf(given) : shownValue(given)
  return new UsageError('ERR_INVALID_OPTION', `option ${name} takes ${wanted}, not ${shown}`)
}

/** Options that may contain keys or passwords: errors show only the type of their value. */
const SECRET = /^(?:pools\..{1,1000}\.)?(?:tls|proxy)(?:\.|$)/
const PUBLIC: ReadonlySet<string> = new Set(['servername', 'pins', 'ALPNProtocols', 'minVersion', 'maxVersion'])

/** Maximum number of list members in an error. */
const MAX_MEMBERS = 3

/**
 * Formats a value for an error: short, without control characters, bytes, object members, long
 * text, or text that may contain credentials. Never throws.
 */
export function shownValue(value: unknown): string {
  if (typeof value === 'string') return mayBeSecret(value) ? kindOf(value) : printable(value)
  if (Array.isArray(value)) return shownList(value)
  if (typeof value === 'bigint') return value > -MAX_DIGITS && value < MAX_DIGITS ? `${value}n` : 'a bigint'
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined || value === null) return String(value)
  return kindOf(value)
}

/** Maximum length of text in an error, in characters. */
const MAX_TEXT = 60
/** Not written with `**`: Babel compiles that to Math.pow, which does not accept a bigint. */
const MAX_DIGITS = 100_000_000_000_000_000_000n

function mayBeSecret(text: string): boolean {
  return text.length > MAX_TEXT || text.includes('@') || text.includes('-----BEGIN')
}

function shownList(list: readonly unknown[]): string {
  const shown: string[] = []
  for (let i = 0; i < list.length && i < MAX_MEMBERS; i++) {
    shown.push(Array.isArray(list[i]) ? kindOf(list[i]) : shownValue(list[i]))
  }
  return `[${shown.join(', ')}${list.length > MAX_MEMBERS ? `, … ${list.length} in all` : ''}]`
}

/** Returns the type and length of a value. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'string') return `a string of ${value.length} characters`
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object') return 'an object'
  return `a ${typeof value}`
}

/** Quotes text, and escapes control characters, including C1. */
export function printable(text: string): string {
  return JSON.stringify(text).replace(/[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** Whether an object is iterable. Ignores an iterator on `Object.prototype`, which is pollution. */
export function isIterable(value: object): value is Iterable<unknown> {
  const iterate = (value as Partial<Iterable<unknown>>)[Symbol.iterator]
  return typeof iterate === 'function' && iterate !== (Object.prototype as Partial<Iterable<unknown>>)[Symbol.iterator]
}
