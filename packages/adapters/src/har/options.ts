/** Options of `recordHar()`. */

import type { UnshardError } from '@unshard/core'
import {
  invalidOption,
  isIterable,
  namesOf,
  number,
  numberIn,
  type OptionSchema,
  ownOptions,
  value,
} from '@unshard/core/internal'

/** Options of {@link recordHar}. */
export interface RecordHarOptions {
  /** Names whose values are replaced by `redacted`, besides those of credentials and cookies. */
  readonly redact?: RedactOptions
  /** Records the content of requests and responses, which is omitted without this option. */
  readonly bodies?: BodiesOptions
  /** Maximum size of the recording, in bytes; entries beyond it are counted in `log.comment`. @default 100,000,000 */
  readonly maxBytes?: number
  /** Called once if the recording cannot be written, which ends it; without this function `stop()` rejects. */
  readonly onError?: (error: UnshardError) => void
}

/** Names whose values are secret. */
export interface RedactOptions {
  /** Names of fields, in any case. */
  readonly fields?: Iterable<string>
  /** Names of query parameters, in any case, also in fields that have URLs and in forms. */
  readonly query?: Iterable<string>
}

/** Which content is recorded. */
export interface BodiesOptions {
  /** Maximum size of a recorded body, in bytes, before and after decoding; larger ones are omitted. @default 1,048,576 */
  readonly maxBytes?: number
}

/** The rows of {@link RecordHarOptions}. */
export const RECORD_HAR_OPTIONS: OptionSchema<RecordHarOptions> = {
  redact: value('`{ fields, query }`'),
  bodies: value('`{ maxBytes }`'),
  maxBytes: number(100_000_000, 1_000, Number.MAX_SAFE_INTEGER, 'bytes'),
  onError: value('a function'),
}

/** The rows of {@link RedactOptions}. */
export const REDACT_OPTIONS: OptionSchema<RedactOptions> = { fields: value('a list of names'), query: value('a list of names') }

/** The rows of {@link BodiesOptions}. */
export const BODIES_OPTIONS: OptionSchema<BodiesOptions> = { maxBytes: number(1_048_576, 0, 268_435_456, 'bytes') }

const NAMES = namesOf(RECORD_HAR_OPTIONS)
const REDACT_NAMES = namesOf(REDACT_OPTIONS)
const BODIES_NAMES = namesOf(BODIES_OPTIONS)

/** Checked options. */
export interface ResolvedHarOptions {
  readonly fields: readonly string[]
  readonly query: readonly string[]
  /** Maximum size of a recorded body; `undefined` if none is recorded. */
  readonly maxBodyBytes: number | undefined
  readonly maxBytes: number
  readonly onError: ((error: UnshardError) => void) | undefined
}

/** @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`. */
export function resolveHarOptions(given: RecordHarOptions | undefined): ResolvedHarOptions {
  const options = ownOptions(given, NAMES, '', 'recordHar()')
  const { redact, bodies, onError } = options
  const own = ownOptions(bodies, BODIES_NAMES, 'bodies.')
  if (onError !== undefined && typeof onError !== 'function') throw invalidOption('onError', 'a function', onError)
  return {
    ...resolveRedact(redact),
    maxBodyBytes: bodies === undefined ? undefined : numberIn(BODIES_OPTIONS, own, 'maxBytes', 'bodies.'),
    maxBytes: numberIn(RECORD_HAR_OPTIONS, options, 'maxBytes'),
    onError,
  }
}

/** Returns the names of secrets, in lower case. @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`. */
export function resolveRedact(redact: RedactOptions | undefined): Pick<ResolvedHarOptions, 'fields' | 'query'> {
  const { fields, query } = ownOptions(redact, REDACT_NAMES, 'redact.')
  return { fields: listOfNames('redact.fields', fields), query: listOfNames('redact.query', query) }
}

function listOfNames(name: string, given: Iterable<string> | undefined): readonly string[] {
  if (given === undefined) return []
  const list = typeof given === 'object' && given !== null && isIterable(given) ? [...given] : [undefined]
  if (list.some((each) => typeof each !== 'string')) throw invalidOption(name, 'a list of names', given)
  return list.map((each) => each!.toLowerCase())
}
