/** Field lines of a message (RFC 9110 §5): the list a response shows, and the check that a request's fields pass before anything is sent. */

import { UsageError } from '../errors/errors.js'
import { CONNECTION_SPECIFIC_FIELDS, isFieldValue, isToken, trimBlanks } from '../field-syntax.js'
import { isIterable, shownValue } from '../schema/option-checks.js'
import { hasField } from './field-lines.js'

/** Fields as a caller may write them: a record (a list value is one line each), pairs, or {@link Fields}. `undefined` values are left out. */
export type FieldsInit =
  | Readonly<Record<string, string | number | readonly string[] | undefined>>
  | Iterable<readonly [name: string, value: string]>

/** The list behind fields, for our own packages: it may be that of other responses too, and is not to be changed. */
export let fieldList: (fields: Fields) => readonly string[]

/** The fields of a response or its trailers, in order. Read only; names are found whatever their case. */
export class Fields implements Iterable<[name: string, value: string]> {
  readonly #list: readonly string[]
  #copy: readonly string[] | undefined

  static {
    fieldList = (fields) => (#list in fields ? fields.#list : (fields as Fields).list)
  }

  /** @param list name, value, name, value…; names in lower case. Kept, not copied. */
  constructor(list: readonly string[]) {
    this.#list = list
  }

  /** The values of a field joined with `, ` (RFC 9110 §5.3), or `undefined`. For `set-cookie` use {@link getAll}. */
  get(name: string): string | undefined {
    const wanted = name.toLowerCase()
    let joined: string | undefined
    for (let i = 0; i < this.#list.length; i += 2) {
      if (this.#list[i] !== wanted) continue
      joined = joined === undefined ? this.#list[i + 1]! : `${joined}, ${this.#list[i + 1]!}`
    }
    return joined
  }

  /** The values of a field, one for each line, in order. */
  getAll(name: string): string[] {
    const wanted = name.toLowerCase()
    const values: string[] = []
    for (let i = 0; i < this.#list.length; i += 2) if (this.#list[i] === wanted) values.push(this.#list[i + 1]!)
    return values
  }

  /** Whether there is a line with this name. */
  has(name: string): boolean {
    return hasField(this.#list, name.toLowerCase())
  }

  /** Field lines. */
  get size(): number {
    return this.#list.length / 2
  }

  /** Name to value, without a prototype: repeated lines are joined with `, `, `set-cookie` is always a list. */
  toObject(): Record<string, string | string[]> {
    const object: Record<string, string | string[]> = Object.create(null)
    for (const [name, value] of this) {
      const before = object[name]
      if (name === 'set-cookie') object[name] = before === undefined ? [value] : [...(before as string[]), value]
      else object[name] = before === undefined ? value : `${before as string}, ${value}`
    }
    return object
  }

  /** Every line as `[name, value]`. */
  *[Symbol.iterator](): Iterator<[name: string, value: string]> {
    for (let i = 0; i < this.#list.length; i += 2) yield [this.#list[i]!, this.#list[i + 1]!]
  }

  /** Name, value, name, value…: a copy, frozen. */
  get list(): readonly string[] {
    // The list itself may be that of every response that repeats these fields.
    this.#copy ??= Object.freeze([...this.#list])
    return this.#copy
  }
}

/** A request's fields after the check. */
export interface CheckedFields {
  /** Name, value, name, value…: lower-case names, trimmed values. Without `host`, `connection` and `content-length`. */
  readonly list: readonly string[]
  /** The `host` field: it replaces the URL's authority. */
  readonly host: string | undefined
  /** `connection: close`: a connection of its own, closed after the answer. */
  readonly close: boolean
  /** `content-length`, to be held against the content. */
  readonly contentLength: number | undefined
  /** `expect: 100-continue` is in the list (RFC 9110 §10.1.1). */
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

/** Collects lines; each is checked as it comes. */
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
    // RFC 9113 §8.2.2: the one value that `te` may have, in the one form that every server knows.
    this.list.push(name, name === 'te' ? 'trailers' : value)
  }

  /** Fields with a meaning of their own. Returns true when the line is taken out of the list. */
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
    // RFC 9110 §7.6.1: options of the connection, which is not the caller's; pasted headers have them, and they say nothing here.
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
      `field ${JSON.stringify(name)} changes how the message is sent, which is not the caller's to say: leave it out`,
    )
  }
}

/** What could not be left out without changing what the caller asks for. */
const CHANGES_THE_MESSAGE: ReadonlySet<string> = new Set(['transfer-encoding', 'upgrade'])

/** Whether a list has a token (RFC 9110 §5.6.1), whatever its case and its parameters. */
function hasToken(list: string, wanted: string): boolean {
  for (let start = 0; start < list.length; ) {
    const comma = list.indexOf(',', start)
    const end = comma === -1 ? list.length : comma
    if (end - start >= wanted.length && tokenIn(list.slice(start, end)) === wanted) return true
    start = end + 1
  }
  return false
}

/** A member of a list in lower case, without its parameters. */
function tokenIn(member: string): string {
  const semicolon = member.indexOf(';')
  return trimBlanks(semicolon === -1 ? member : member.slice(0, semicolon)).toLowerCase()
}

/** RFC 3986 §3.2: host and port, without user information, and nothing that would end an authority. */
const AUTHORITY = /^[A-Za-z0-9\-._~!$&'()*+,;=%:[\]]+$/

/** The one expectation there is (RFC 9110 §10.1.1). */
const CONTINUE = '100-continue'

/** RFC 9110 §10.1.1: "A client MUST NOT generate a 100-continue expectation in a request that does not include content." */
export function withoutExpectation(list: readonly string[]): readonly string[] {
  return list.filter((_, i) => !(list[i - (i % 2)] === 'expect' && list[i - (i % 2) + 1]!.toLowerCase() === CONTINUE))
}

const SPECIAL: ReadonlySet<string> = new Set(['host', 'content-length', 'te', 'expect', ...CONNECTION_SPECIFIC_FIELDS])

const MAX_KNOWN_NAMES = 1_024
const lowerCased = new Map<string, string>()

/** Lower case and checked; remembered, because requests use few names. */
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

/** Says which field, never its value where that may be a credential. */
function invalidValue(name: string, value: unknown): UsageError {
  const what = typeof value === 'string' ? 'a value that it cannot hold' : `a value of type ${typeof value}`
  return new UsageError('ERR_INVALID_FIELD_VALUE', `field ${JSON.stringify(name)} has ${what}`)
}
