/** How urgent a response is to the caller (RFC 9218 §4): the value of the `priority` field, and of PRIORITY_UPDATE frames. */

import { UsageError } from '../errors/errors.js'
import { ownOptions, shownValue } from '../schema/option-checks.js'

/** What RFC 9218 §4 lets a client say. What is left out has its default there, and is not sent. */
export interface Priority {
  /** 0, the most urgent, to 7, the background (RFC 9218 §4.1). Default 3. */
  readonly urgency?: number | undefined
  /** Whether parts of the response are of use before it is whole, so that it may share the way with others (RFC 9218 §4.2). Default false. */
  readonly incremental?: boolean | undefined
}

/** RFC 9218 §4.1. */
const DEFAULT_URGENCY = 3
const MAX_URGENCY = 7
const NAMES: ReadonlySet<string> = new Set<keyof Priority>(['urgency', 'incremental'])

/**
 * A dictionary of RFC 8941 §3.2, without the defaults: `u=5, i`. Empty where everything is the default.
 * @throws UsageError `ERR_INVALID_PRIORITY` naming what is wrong; `ERR_UNKNOWN_OPTION`.
 */
export function serializePriority(priority: Priority): string {
  if (typeof priority !== 'object' || priority === null) throw invalid('priority is an object { urgency, incremental }')
  const { urgency = DEFAULT_URGENCY, incremental = false } = ownOptions(priority, NAMES, 'priority.')
  if (!Number.isInteger(urgency) || urgency < 0 || urgency > MAX_URGENCY) {
    throw invalid(`priority.urgency is a whole number from 0 to ${MAX_URGENCY}, not ${shown(urgency)}`)
  }
  if (typeof incremental !== 'boolean') throw invalid(`priority.incremental is true or false, not ${shown(incremental)}`)
  const said = urgency === DEFAULT_URGENCY ? '' : `u=${urgency}`
  if (!incremental) return said
  return said === '' ? 'i' : `${said}, i`
}

/** Text without its quotation marks. */
function shown(value: unknown): string {
  return shownValue(value).replace(/^"|"$/g, '')
}

function invalid(message: string): UsageError {
  return new UsageError('ERR_INVALID_PRIORITY', message)
}
