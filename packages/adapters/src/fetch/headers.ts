/**
 * The headers of a response as Fetch has them: `instanceof Headers`, immutable, and made only when asked for. The list of the response
 * is used as it is; nothing is copied.
 */

import { type InspectOptions, inspect } from 'node:util'
import type { Fields } from '@unshard/core'
import { standInFor } from './brands.js'

type Callback = (value: string, name: string, headers: Headers) => void

/** Behaves as the platform's class does under the "immutable" guard (Fetch standard §5.1). */
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
  // For `console.log`: the platform's own method would look for the platform's own slots.
  [inspect.custom]: {
    value(this: ResponseHeaders, _depth: number, options: InspectOptions): string {
      return `Headers ${inspect(Object.fromEntries(this), options)}`
    },
  },
})

/** The headers of `fields`, as their readers want them typed. */
export function toHeaders(fields: Fields): Headers {
  return new ResponseHeaders(fields) as unknown as Headers
}

/** Fetch standard §2.2.2, "sort and combine": by name, values joined, `set-cookie` one by one. */
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
