/** Options of `waterfallPage()` and `inspect()`. */

import { flagRow, invalidOption, namesOf, number, numberIn, type OptionSchema, ownOptions, value } from '@unshard/core/internal'
import { type RedactOptions, resolveRedact } from '../har/options.js'

/** Options of {@link waterfallPage}. */
export interface WaterfallPageOptions {
  /** Title of the page. @default the title of the recording's first page, or `Requests` */
  readonly title?: string
}

/** Options of {@link inspect}. */
export interface InspectOptions {
  /** Port on 127.0.0.1; 0 for one that the system chooses. @default 0 */
  readonly port?: number
  /** Maximum number of requests that the page shows; the oldest completed ones are dropped. @default 2,000 */
  readonly maxEntries?: number
  /** Names whose values are replaced by `redacted`, besides those of credentials and cookies. */
  readonly redact?: RedactOptions
  /** Title of the page. @default `Requests` */
  readonly title?: string
  /** Whether the server keeps the process alive until `close()`. @default false */
  readonly keepProcess?: boolean
}

/** The rows of {@link WaterfallPageOptions}. */
export const WATERFALL_PAGE_OPTIONS: OptionSchema<WaterfallPageOptions> = {
  title: value('a string', "the title of the recording's first page, or `Requests`"),
}

/** The rows of {@link InspectOptions}. */
export const INSPECT_OPTIONS: OptionSchema<InspectOptions> = {
  port: number(0, 0, 65_535),
  maxEntries: number(2_000, 1, 20_000, 'requests'),
  redact: value('`{ fields, query }`'),
  title: value('a string', '`Requests`'),
  keepProcess: flagRow(false),
}

const PAGE_NAMES = namesOf(WATERFALL_PAGE_OPTIONS)
const INSPECT_NAMES = namesOf(INSPECT_OPTIONS)
/** Title of a page without one. */
export const DEFAULT_TITLE = 'Requests'

/** Checked options of `inspect()`. */
export interface ResolvedInspectOptions {
  readonly port: number
  readonly maxEntries: number
  readonly fields: readonly string[]
  readonly query: readonly string[]
  readonly title: string
  readonly keepProcess: boolean
}

/** @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`. */
export function resolvePageTitle(given: WaterfallPageOptions | undefined): string | undefined {
  return titleOf(ownOptions(given, PAGE_NAMES, '', 'waterfallPage()').title)
}

/** @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`. */
export function resolveInspectOptions(given: InspectOptions | undefined): ResolvedInspectOptions {
  const options = ownOptions(given, INSPECT_NAMES, '', 'inspect()')
  const { keepProcess = false } = options
  if (typeof keepProcess !== 'boolean') throw invalidOption('keepProcess', 'true or false', keepProcess)
  return {
    ...resolveRedact(options.redact),
    port: numberIn(INSPECT_OPTIONS, options, 'port'),
    maxEntries: numberIn(INSPECT_OPTIONS, options, 'maxEntries'),
    title: titleOf(options.title) ?? DEFAULT_TITLE,
    keepProcess,
  }
}

function titleOf(title: unknown): string | undefined {
  if (title === undefined || typeof title === 'string') return title
  throw invalidOption('title', 'a string', title)
}
