/**
 * Priority of a response (RFC 9218 §4): the value of the `priority` field and of PRIORITY_UPDATE
 * frames.
 */

import { UsageError } from '../errors/errors.js'
import { ownOptions, shownValue } from '../schema/option-checks.js'
import { flagRow, namesOf, number, type OptionSchema } from '../schema/schema.js'

/** Priority of a response (RFC 9218 §4). Defaults are not sent. */
export interface Priority {
  /** Urgency, from 0 (most urgent) to 7 (background) (RFC 9218 §4.1). @default 3 */
  readonly urgency?: number | undefined
  /** Whether parts of the response are useful before it is complete, so that it may share bandwidth with others (RFC 9218 §4.2). @default false */
  readonly incremental?: boolean | undefined
}

/** Options of a priority. */
export const PRIORITY_OPTIONS: OptionSchema<Priority> = { urgency: number(3, 0, 7), incremental: flagRow(false) }

/** Default urgency (RFC 9218 §4.1). */
const DEFAULT_URGENCY = 3
const MAX_URGENCY = 7
const NAMES = namesOf(PRIORITY_OPTIONS)

/**
 * Serializes a priority as a dictionary (RFC 8941 §3.2) without defaults, e.g. `u=5, i`; may be
 * empty.
 * @throws UsageError `ERR_INVALID_PRIORITY` or `ERR_UNKNOWN_OPTION`.
 */
export function serializePriority(priority: Priority): string {
  if (typeof priority !== 'object' || priority === null) throw invalid('priority must be an object { urgency, incremental }')
  const { urgency = DEFAULT_URGENCY, incremental = false } = ownOptions(priority, NAMES, 'priority.')
  if (!Number.isInteger(urgency) || urgency < 0 || urgency > MAX_URGENCY) {
    throw invalid(`priority.urgency must be a whole number from 0 to ${MAX_URGENCY}, not ${shown(urgency)}`)
  }
  if (typeof incremental !== 'boolean') throw invalid(`priority.incremental must be true or false, not ${shown(incremental)}`)
  const parameter = urgency === DEFAULT_URGENCY ? '' : `u=${urgency}`
  if (!incremental) return parameter
  return parameter === '' ? 'i' : `${parameter}, i`
}

/** Returns a value for an error; text without quotation marks. */
function shown(value: unknown): string {
  return shownValue(value).replace(/^"|"$/g, '')
}

function invalid(message: string): UsageError {
  return new UsageError('ERR_INVALID_PRIORITY', message)
}
