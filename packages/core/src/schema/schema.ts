/**
 * Schemas of options objects: one row for each option, with its default, range and unit. The refusal of unknown names, the numbers that
 * resolvers use and docs/reference/options.md follow from them. What an option means is said once, by its TSDoc.
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

/** Any other value: its default and the values it takes, in words of the page. */
export interface ValueRow {
  readonly default: string
  readonly takes: string
}

/** One option. */
export type OptionRow = NumberRow | ValueRow

/** One row for each member of an options object: TypeScript refuses a schema that lacks one. */
export type OptionSchema<Options extends object> = { readonly [Name in keyof Required<Options>]: OptionRow }

/** A number with a unit. */
export function number(fallback: number, least: number, most: number, unit: Unit = ''): NumberRow {
  return { default: fallback, least, most, unit }
}

/** A time in milliseconds, up to the longest that a timer of Node takes. */
export function milliseconds(fallback: number, least: number = DURATION_RANGE[0]): NumberRow {
  return { default: fallback, least, most: DURATION_RANGE[1], unit: 'ms' }
}

/** True or false. */
export function flagRow(fallback: boolean): ValueRow {
  return { default: String(fallback), takes: '`true`, `false`' }
}

/** Any other value. @param fallback in words of the page; `none` where the option has no default. */
export function value(takes: string, fallback = 'none'): ValueRow {
  return { default: fallback, takes }
}

/** The names of a schema. */
export function namesOf(schema: object): ReadonlySet<string> {
  return new Set(Object.keys(schema))
}

/** The range of a number, as {@link inRange} takes it. */
export function rangeOf(row: OptionRow): NumberRange {
  return 'least' in row ? [row.default, row.least, row.most] : [0, 0, 0]
}

/** A number of a schema, or its default. @throws UsageError `ERR_INVALID_OPTION`, with `prefix` in front of the name. */
export function numberIn<Options extends object>(
  schema: OptionSchema<Options>,
  options: Partial<Options>,
  name: keyof Options & string,
  prefix = '',
): number {
  return inRange(prefix + name, options[name] as number | undefined, ...rangeOf(schema[name]))
}
