/** Settings of a transfer, from the options of the command line. */

import { invalidValue } from '../errors.js'
import { integerOf, millisecondsOf } from '../values.js'
import type { GetValues } from './options.js'

/** Settings of a transfer. */
export interface TransferSettings {
  readonly follows: boolean
  readonly maxRedirects: number
  /** Lowest status that is an error. */
  readonly failsAt: number
  /** Whether the content of such a response is written. */
  readonly writesErrors: boolean
  /** Whether the heads of responses are written before the content. */
  readonly includesHeads: boolean
  readonly resumeFrom: number
  readonly isCompressed: boolean
  readonly usesDigest: boolean
  readonly usesNetrc: boolean
  readonly maxTimeMs: number | undefined
  readonly maxFileBytes: number
  readonly retries: number
  readonly retryDelayMs: number | undefined
  readonly retryMaxMs: number | undefined
  readonly retriesAll: boolean
  readonly retriesRefused: boolean
  /** Bytes per second; `undefined` without a limit. */
  readonly limitRate: number | undefined
}

/** curl's `--max-redirs -1`: no limit, up to the client's. */
const MOST_REDIRECTS = 1_000
const MOST_RETRIES = 1_000_000

/** Checks the settings. @param resumeFrom the offset of `-C`. @throws CommandError. */
export function settingsOf(values: GetValues, resumeFrom: number): TransferSettings {
  const { maxRedirs, retry, retryDelay, retryMaxTime, maxTime, maxFilesize, limitRate } = values
  const fails = values.fail === true || values.failWithBody === true
  const maxTimeMs = maxTime === undefined ? 0 : millisecondsOf('--max-time', maxTime)
  return {
    follows: values.location === true,
    maxRedirects: maxRedirs === '-1' ? MOST_REDIRECTS : integerOf('--max-redirs', maxRedirs, 0, MOST_REDIRECTS),
    failsAt: fails ? 400 : 1_000,
    writesErrors: values.failWithBody === true,
    includesHeads: values.include === true || values.head === true,
    resumeFrom,
    isCompressed: values.compressed === true,
    usesDigest: values.digest === true,
    usesNetrc: values.netrc === true,
    maxTimeMs: maxTimeMs === 0 ? undefined : maxTimeMs,
    maxFileBytes: maxFilesize === undefined ? Number.POSITIVE_INFINITY : bytesOf('--max-filesize', maxFilesize),
    retries: integerOf('--retry', retry, 0, MOST_RETRIES),
    retryDelayMs: positive(retryDelay === undefined ? 0 : millisecondsOf('--retry-delay', retryDelay)),
    retryMaxMs: positive(retryMaxTime === undefined ? 0 : millisecondsOf('--retry-max-time', retryMaxTime)),
    retriesAll: values.retryAllErrors === true,
    retriesRefused: values.retryConnrefused === true,
    limitRate: limitRate === undefined ? undefined : positive(bytesOf('--limit-rate', limitRate)),
  }
}

const UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1_024, m: 1_024 ** 2, g: 1_024 ** 3 }

function bytesOf(option: string, text: string): number {
  const unit = UNITS[text.slice(-1).toLowerCase()]
  const digits = unit === undefined ? text : text.slice(0, -1)
  const number = Number(digits)
  if (digits.trim() === '' || !(number >= 0) || !Number.isFinite(number))
    throw invalidValue(option, 'bytes, such as 100, 200k or 1.5M', text)
  return Math.floor(number * (unit ?? 1))
}

function positive(number: number): number | undefined {
  return number > 0 ? number : undefined
}
