/**
 * Response headers with the Fetch API: `instanceof Headers`, immutable, and created on demand. Uses
 * the response's field list without copying it.
 */

import { type InspectOptions, inspect } from 'node:util'
import type { Fields } from '@unshard/core'
import { standInFor } from './brands.js'

type Callback = (value: string, name: string, headers: Headers) => void

/** Behaves like the platform's class under the "immutable" guard (Fetch standard §5.1). */
export class ResponseHeaders {
  readonly #fields: Fields

  constructor(fields: Fields) {
    this.#fields = fields
  }

  get(name: string): string | null {
    return this.#fields.get(checkName(name)) ?? null
  }

  has(name: string): boolean {
    return this.#fields.has(checkName(name))
  }

  getSetCookie(): string[] {
    return this.#fields.getAll('set-cookie')
  }

  append(): void {
    throw new TypeError('immutable')
  }

  set(): void {
    throw new TypeError('immutable')
  }

  delete(): void {
    throw new TypeError('immutable')
  }

  forEach(callback: Callback, thisArg?: unknown): void {
    for (const [name, value] of this) callback.call(thisArg, value, name, this as unknown as Headers)
  }

  *entries(): IterableIterator<[string, string]> {
    yield* sortAndCombine(this.#fields)
  }

  *keys(): IterableIterator<string> {
    for (const [name] of this) yield name
  }

  *values(): IterableIterator<string> {
    for (const [, value] of this) yield value
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries()
  }

  get [Symbol.toStringTag](): string {
    return 'Headers'
  }
}

Object.setPrototypeOf(ResponseHeaders.prototype, standInFor('Headers'))
Object.defineProperties(ResponseHeaders.prototype, {
  constructor: { get: () => globalThis.Headers },
  // For `console.log`: the platform's own method requires the platform's internal slots.
  [inspect.custom]: {
    value(this: ResponseHeaders, _depth: number, options: InspectOptions): string {
      return `Headers ${inspect(Object.fromEntries(this), options)}`
    },
  },
})

/** Returns `fields` typed as the platform's `Headers`. */
export function toHeaders(fields: Fields): Headers {
  return new ResponseHeaders(fields) as unknown as Headers
}

/**
 * Fetch standard §2.2.2, "sort and combine": sorted by name, values joined, each `set-cookie`
 * separate.
 */
function sortAndCombine(fields: Fields): [string, string][] {
  const names = [...new Set([...fields].map(([name]) => name))].sort()
  return names.flatMap((name): [string, string][] => {
    if (name === 'set-cookie') return fields.getAll(name).map((value) => [name, value])
    return [[name, fields.get(name)!]]
  })
}

function checkName(name: string): string {
  const text = String(name)
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text)) throw new TypeError(`invalid header name ${JSON.stringify(text)}`)
  return text
}
