/**
 * Field lines of a message (RFC 9110 §5): the fields of a response, and the checks of a request's
 * fields.
 */

import { UsageError } from '../errors/errors.js'
import { CONNECTION_SPECIFIC_FIELDS, isFieldValue, isToken, trimBlanks } from '../field-syntax.js'
import { isIterable, shownValue } from '../schema/option-checks.js'
import { hasField } from './field-lines.js'

/**
 * User-supplied fields: a record (one line per value of a list), pairs, or {@link Fields}.
 * `undefined` values are omitted.
 */
export type FieldsInit =
  | Readonly<Record<string, string | number | readonly string[] | undefined>>
  | Iterable<readonly [name: string, value: string]>

/**
 * Returns the internal list of fields, for packages of this project. Must not be changed: responses
 * may share it.
 */
export let fieldList: (fields: Fields) => readonly string[]

/** The fields of a response or its trailers, in order. Read-only; names are case-insensitive. */
export class Fields implements Iterable<[name: string, value: string]> {
  readonly #list: readonly string[]
  #copy: readonly string[] | undefined

  static {
    fieldList = (fields) => (#list in fields ? fields.#list : (fields as Fields).list)
  }

  /** @param list name, value, name, value…; names in lower case. Not copied. */
  constructor(list: readonly string[]) {
    this.#list = list
  }

  /**
   * Returns the values of a field joined with `, ` (RFC 9110 §5.3), or `undefined`. For
   * `set-cookie` use {@link getAll}.
   */
  get(name: string): string | undefined {
    const wanted = name.toLowerCase()
    let joined: string | undefined
    for (let i = 0; i < this.#list.length; i += 2) {
      if (this.#list[i] !== wanted) continue
      joined = joined === undefined ? this.#list[i + 1]! : `${joined}, ${this.#list[i + 1]!}`
    }
    return joined
  }

  /** Returns the values of a field, one for each line, in order. */
  getAll(name: string): string[] {
    const wanted = name.toLowerCase()
    const values: string[] = []
    for (let i = 0; i < this.#list.length; i += 2) if (this.#list[i] === wanted) values.push(this.#list[i + 1]!)
    return values
  }

  /** Whether a line has this name. */
  has(name: string): boolean {
    return hasField(this.#list, name.toLowerCase())
  }

  /** Number of field lines. */
  get size(): number {
    return this.#list.length / 2
  }

  /**
   * Returns a record without a prototype: repeated lines are joined with `, `; `set-cookie` is
   * always a list.
   */
  toObject(): Record<string, string | string[]> {
    const object: Record<string, string | string[]> = Object.create(null)
    for (const [name, value] of this) {
      const before = object[name]
      if (name === 'set-cookie') object[name] = before === undefined ? [value] : [...(before as string[]), value]
      else object[name] = before === undefined ? value : `${before as string}, ${value}`
    }
    return object
  }

  /** Iterates over the lines as `[name, value]`. */
  *[Symbol.iterator](): Iterator<[name: string, value: string]> {
    for (let i = 0; i < this.#list.length; i += 2) yield [this.#list[i]!, this.#list[i + 1]!]
  }

  /** A frozen copy of the list: name, value, name, value… */
  get list(): readonly string[] {
    // Responses with the same fields share the list itself.
    this.#copy ??= Object.freeze([...this.#list])
    return this.#copy
  }
}

/** The checked fields of a request. */
export interface CheckedFields {
  /** Name, value, name, value…: lower-case names, trimmed values. Without `host`, `connection` and `content-length`. */
  readonly list: readonly string[]
  /** The `host` field, which replaces the authority of the URL. */
  readonly host: string | undefined
  /** Whether `connection: close` asks for a dedicated connection, closed after the response. */
  readonly close: boolean
  /** `content-length`, which the content must match. */
  readonly contentLength: number | undefined
  /** Whether the list has `expect: 100-continue` (RFC 9110 §10.1.1). */
  readonly expects: boolean
}

const NONE: CheckedFields = { list: [], host: undefined, close: false, contentLength: undefined, expects: false }

/**
 * Checks a request's fields (RFC 9110 §5.1, §5.5; RFC 9113 §8.2).
 * @throws UsageError naming the field: `ERR_INVALID_FIELD_NAME`, `ERR_INVALID_FIELD_VALUE`, `ERR_FORBIDDEN_FIELD`.
 */
export function checkFields(init: FieldsInit | undefined): CheckedFields {
  if (init === undefined) return NONE
  const check = new FieldCheck()
  if (init instanceof Fields) {
    const list = fieldList(init)
    for (let i = 0; i < list.length; i += 2) check.add(list[i]!, list[i + 1]!)
  } else if (isIterable(init)) {
    for (const [name, value] of init as Iterable<readonly [string, string]>) check.add(name, value)
  } else {
    for (const name of Object.keys(init)) check.addValue(name, (init as Exclude<FieldsInit, Iterable<unknown>>)[name])
  }
  return check
}

/** Collects and checks lines. */
class FieldCheck implements CheckedFields {
  readonly list: string[] = []
  host: string | undefined
  close = false
  expects = false
  contentLength: number | undefined

  addValue(name: string, value: string | number | readonly string[] | undefined): void {
    if (value === undefined) return
    if (typeof value === 'string') this.add(name, value)
    else if (typeof value === 'number') this.add(name, String(value))
    else if (Array.isArray(value)) for (const line of value) this.add(name, line as string)
    else throw invalidValue(name, value)
  }

  add(givenName: string, givenValue: string): void {
    const name = lowerCaseName(givenName)
    if (typeof givenValue !== 'string' || !isFieldValue(givenValue)) throw invalidValue(name, givenValue)
    // RFC 9110 §5.5: leading and trailing SP and HTAB are not part of the value.
    const value = trimBlanks(givenValue)
    if (SPECIAL.has(name) && this.#special(name, value)) return
    // RFC 9113 §8.2.2: `te` may only be "trailers"; send it without parameters.
    this.list.push(name, name === 'te' ? 'trailers' : value)
  }

  /** Checks fields with special meaning. Returns true if the line is removed from the list. */
  #special(name: string, value: string): boolean {
    if (name === 'host') {
      if (!AUTHORITY.test(value)) throw invalidValue(name, value)
      this.host = value
      return true
    }
    if (name === 'content-length') {
      if (!/^[0-9]{1,15}$/.test(value) || (this.contentLength ?? Number(value)) !== Number(value)) throw invalidValue(name, value)
      this.contentLength = Number(value)
      return true
    }
    // RFC 9110 §7.6.1: connection options have no effect on a shared connection; pasted headers may
    // have them.
    if (name === 'connection') {
      this.close ||= hasToken(value, 'close')
      return true
    }
    if (name === 'expect') {
      this.expects ||= value.toLowerCase() === CONTINUE
      return false
    }
    if (name === 'te') return !hasToken(value, 'trailers')
    if (!CHANGES_THE_MESSAGE.has(name)) return true
    throw new UsageError(
      'ERR_FORBIDDEN_FIELD',
      `field ${JSON.stringify(name)} is connection-specific and must not be set by the caller`,
    )
  }
}

/**
 * Connection-specific fields that are refused: omitting them would change the meaning of the
 * request.
 */
const CHANGES_THE_MESSAGE: ReadonlySet<string> = new Set(['transfer-encoding', 'upgrade'])

/** Whether a list has a token (RFC 9110 §5.6.1), ignoring case and parameters. */
function hasToken(list: string, wanted: string): boolean {
  for (let start = 0; start < list.length; ) {
    const comma = list.indexOf(',', start)
    const end = comma === -1 ? list.length : comma
    if (end - start >= wanted.length && tokenIn(list.slice(start, end)) === wanted) return true
    start = end + 1
  }
  return false
}

/** Returns a list member in lower case, without parameters. */
function tokenIn(member: string): string {
  const semicolon = member.indexOf(';')
  return trimBlanks(semicolon === -1 ? member : member.slice(0, semicolon)).toLowerCase()
}

/** Host and port of an authority (RFC 3986 §3.2), without user information. */
const AUTHORITY = /^[A-Za-z0-9\-._~!$&'()*+,;=%:[\]]+$/

/** The only defined expectation (RFC 9110 §10.1.1). */
const CONTINUE = '100-continue'

/**
 * Removes a 100-continue expectation, which a request without content must not have (RFC 9110
 * §10.1.1).
 */
export function withoutExpectation(list: readonly string[]): readonly string[] {
  return list.filter((_, i) => !(list[i - (i % 2)] === 'expect' && list[i - (i % 2) + 1]!.toLowerCase() === CONTINUE))
}

const SPECIAL: ReadonlySet<string> = new Set(['host', 'content-length', 'te', 'expect', ...CONNECTION_SPECIFIC_FIELDS])

const MAX_KNOWN_NAMES = 1_024
const lowerCased = new Map<string, string>()

/** Returns a checked name in lower case. Cached, because requests use few names. */
function lowerCaseName(name: string): string {
  const known = lowerCased.get(name)
  if (known !== undefined) return known
  if (typeof name !== 'string' || !isToken(name)) {
    throw new UsageError('ERR_INVALID_FIELD_NAME', `invalid field name ${shownValue(name)}`)
  }
  if (lowerCased.size >= MAX_KNOWN_NAMES) lowerCased.clear()
  const lower = name.toLowerCase()
  lowerCased.set(name, lower)
  return lower
}

/** The error for an invalid value. Never shows the value, which may be a credential. */
function invalidValue(name: string, value: unknown): UsageError {
  const what = typeof value === 'string' ? 'a value with invalid characters' : `a value of type ${typeof value}`
  return new UsageError('ERR_INVALID_FIELD_VALUE', `field ${JSON.stringify(name)} has ${what}`)
}
