/** Adds fields to a request's fields in any of their forms. */

import { type FieldsInit, UsageError } from '@unshard/core'
import { isIterable } from '@unshard/core/internal'

type Pair = readonly [name: string, value: string]

/** Returns the user-supplied fields, plus those of `added` whose names are not set. */
export function withFields(init: FieldsInit | undefined, added: Readonly<Record<string, string | number>>): FieldsInit {
  const pairs = pairsOf(init)
  const names = new Set(pairs.map(([name]) => name.toLowerCase()))
  const missing = Object.entries(added).filter(([name]) => !names.has(name))
  return [...pairs, ...missing.map(([name, value]): Pair => [name, String(value)])]
}

/** @throws UsageError `ERR_FORBIDDEN_FIELD` if the caller sets one of `names`. */
export function refuseFields(init: FieldsInit | undefined, names: readonly string[], whose: string): void {
  for (const [name] of pairsOf(init)) {
    if (names.includes(name.toLowerCase()))
      throw new UsageError('ERR_FORBIDDEN_FIELD', `field "${name}" is set by ${whose} and must not be set by the caller`)
  }
}

function pairsOf(init: FieldsInit | undefined): Pair[] {
  if (init === undefined) return []
  if (isIterable(init)) return [...(init as Iterable<Pair>)]
  return Object.entries(init).flatMap(([name, value]): Pair[] => {
    if (value === undefined) return []
    return Array.isArray(value) ? value.map((line): Pair => [name, String(line)]) : [[name, String(value)]]
  })
}
