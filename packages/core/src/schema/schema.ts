/**
 * Schemas of options objects: one row per option, with default, range and unit. The check for
 * unknown names, the option resolvers and docs/reference/options.md use them. The TSDoc of an
 * option defines its meaning.
 */

import { DURATION_RANGE, inRange, type NumberRange } from './option-checks.js'

/** Unit of a number. */
export type Unit = 'ms' | 'bytes' | 'requests' | 'connections' | 'attempts' | 'characters' | ''

/** A whole number from `least` to `most`. */
export interface NumberRow {
  readonly default: number
  readonly least: number
  readonly most: number
  readonly unit: Unit
}

/** Any other option: its default and valid values, as text for docs/reference/options.md. */
export interface ValueRow {
  readonly default: string
  readonly takes: string
}

/** One option. */
export type OptionRow = NumberRow | ValueRow

/** One row for each member of an options object; a missing row is a type error. */
export type OptionSchema<Options extends object> = { readonly [Name in keyof Required<Options>]: OptionRow }

/** Creates a row for a number with a unit. */
export function number(fallback: number, least: number, most: number, unit: Unit = ''): NumberRow {
  return { default: fallback, least, most, unit }
}

/** Creates a row for a time in milliseconds, up to the maximum of a Node timer. */
export function milliseconds(fallback: number, least: number = DURATION_RANGE[0]): NumberRow {
  return { default: fallback, least, most: DURATION_RANGE[1], unit: 'ms' }
}

/** Creates a row for a boolean. */
export function flagRow(fallback: boolean): ValueRow {
  return { default: String(fallback), takes: '`true`, `false`' }
}

/** Creates a row for any other value. @param fallback default as text; `none` without a default. */
export function value(takes: string, fallback = 'none'): ValueRow {
  return { default: fallback, takes }
}

/** Returns the names of a schema. */
export function namesOf(schema: object): ReadonlySet<string> {
  return new Set(Object.keys(schema))
}

/** Returns the range of a number, for {@link inRange}. */
function rangeOf(row: OptionRow): NumberRange {
  if (!('least' in row)) throw new Error(`the row of an option that takes ${row.takes} has no range`)
  return [row.default, row.least, row.most]
}

/**
 * Returns a checked number of a schema, or its default.
 * @throws UsageError `ERR_INVALID_OPTION`, with `prefix` before the name.
 */
export function numberIn<Options extends object>(
  schema: OptionSchema<Options>,
  options: Partial<Options>,
  name: keyof Options & string,
  prefix = '',
): number {
  return inRange(prefix + name, options[name] as number | undefined, ...rangeOf(schema[name]))
}
