/**
 * Reads a HAR file: of `recordHar()`, Chrome, Firefox, or any other program that writes HAR 1.2.
 * Knows nothing about clients.
 */

import { readFileSync } from 'node:fs'
import { UsageError } from '../errors/errors.js'
import { isFieldValue, isToken } from '../field-syntax.js'
import { shownValue } from '../schema/option-checks.js'

/** A recorded exchange. */
export interface RecordedExchange {
  readonly method: string
  readonly url: string
  /** 0 without a response. */
  readonly status: number
  /** Names in lower case. Without fields about the connection, and without redacted values. */
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Uint8Array
  /** How the exchange failed. */
  readonly error: string | undefined
}

/** Value that `recordHar()` writes instead of a secret. */
export const REDACTED = 'redacted'

/** Fields about the connection, or about content that is recorded in decoded form. */
const OMITTED: ReadonlySet<string> = new Set([
  ...['connection', 'content-encoding', 'content-length', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'],
])

/** Members of an entry as far as they are read. Any of them may be absent. */
interface Entry {
  readonly startedDateTime?: unknown
  readonly request?: { readonly method?: unknown; readonly url?: unknown }
  readonly response?: {
    readonly status?: unknown
    readonly headers?: unknown
    readonly content?: { readonly mimeType?: unknown; readonly text?: unknown; readonly encoding?: unknown }
    readonly _error?: unknown
  }
  readonly _error?: unknown
  readonly _replayed?: unknown
}

/**
 * Returns the exchanges of a file in the order in which they started, without attempts that the client replayed by itself, and without
 * URLs of other schemes than HTTP.
 * @throws UsageError `ERR_HAR_FILE`.
 */
export function readHar(file: string | URL): RecordedExchange[] {
  const entries = entriesOf(file)
  const started = entries.map((entry, i) => [Date.parse(String(entry.startedDateTime)) || 0, i] as const)
  const order = started.sort(([a, i], [b, j]) => a - b || i - j).map(([, i]) => entries[i]!)
  return order.filter((entry) => entry._replayed !== true && isHttp(entry)).map((entry) => exchangeOf(entry, file))
}

function entriesOf(file: string | URL): Entry[] {
  let entries: unknown
  try {
    const text = readFileSync(file, 'utf8')
    // Some programs begin with a byte order mark.
    entries = (JSON.parse(text.replace(/^\ufeff/, '')) as { log?: { entries?: unknown } } | null)?.log?.entries
  } catch (cause) {
    throw fileError(file, `cannot be read: ${(cause as Error).message}`, cause)
  }
  if (Array.isArray(entries) && entries.every((entry) => typeof entry === 'object' && entry !== null)) return entries
  throw fileError(file, 'is not a HAR file: it has no list log.entries')
}

function isHttp({ request, response }: Entry): boolean {
  const isInterim = typeof response?.status === 'number' && response.status >= 100 && response.status < 200
  // Chrome also records WebSockets, `data:` and `blob:` URLs.
  return !isInterim && typeof request?.url === 'string' && /^https?:/i.test(request.url)
}

function exchangeOf({ request, response, _error }: Entry, file: string | URL): RecordedExchange {
  const { method, url } = request!
  if (typeof method !== 'string' || !URL.canParse(url as string)) {
    throw fileError(file, `has an invalid request: ${shownValue(method)} ${shownValue(url)}`)
  }
  const { status = 0, content } = response ?? {}
  if (!Number.isInteger(status) || (status as number) < 0 || (status as number) > 999) {
    throw fileError(file, `has the invalid status ${shownValue(status)}`)
  }
  const headers = headersOf(response?.headers)
  const type = content?.mimeType
  const isNamed = headers.some(([name]) => name === 'content-type')
  if (!isNamed && typeof type === 'string' && type !== 'x-unknown' && type !== '' && isFieldValue(type))
    headers.push(['content-type', type])
  const failure = _error ?? response?._error
  const error = typeof failure === 'string' && failure !== '' ? failure : undefined
  return { method, url: url as string, status: status as number, headers, body: bodyOf(content), error }
}

function headersOf(given: unknown): [string, string][] {
  const headers: [string, string][] = []
  if (!Array.isArray(given)) return headers
  for (const { name, value } of given as { name?: unknown; value?: unknown }[]) {
    const lower = String(name).toLowerCase()
    // Pseudo-fields are not tokens.
    if (!isToken(lower) || OMITTED.has(lower) || value === REDACTED) continue
    // Chrome and Firefox join the lines of a field with line feeds.
    for (const line of String(value ?? '').split('\n')) {
      const text = line.trim()
      if (isFieldValue(text)) headers.push([lower, text])
    }
  }
  return headers
}

function bodyOf(content: { readonly text?: unknown; readonly encoding?: unknown } | undefined): Uint8Array {
  const text = typeof content?.text === 'string' ? content.text : ''
  return Buffer.from(text, content?.encoding === 'base64' ? 'base64' : 'utf8')
}

function fileError(file: string | URL, problem: string, cause?: unknown): UsageError {
  return new UsageError('ERR_HAR_FILE', `${shownValue(String(file))} ${problem}`, { cause })
}
