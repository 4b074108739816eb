/** Finds the recorded response of each request to a mock client. */

import { StreamError, UsageError } from '../errors/errors.js'
import { editDistance, printable } from '../schema/option-checks.js'
import { REDACTED, type RecordedExchange } from './har-file.js'
import type { MockRequest, MockResponse } from './mock-message.js'

/** How requests find their response: see `HarClientOptions`. */
export type HarMatch = 'strict' | 'loose'

/** The exchanges of one method and URL. */
interface Recorded {
  readonly exchanges: RecordedExchange[]
  /** Number of exchanges that were used. */
  used: number
}

/** Maximum length of a URL that is compared with others, in characters. */
const MAX_COMPARED = 200
/** Maximum number of recorded URLs that are compared with an unknown one. */
const MAX_CANDIDATES = 1_000
/** Statuses without content (RFC 9110 §6.4.1, §15.3.6). */
const WITHOUT_CONTENT: ReadonlySet<number> = new Set([204, 205, 304])

/** The recorded responses of a file. */
export class HarReplay {
  readonly #match: HarMatch
  /** Names of query parameters with a redacted value, of which any value matches. */
  readonly #redacted: ReadonlySet<string>
  readonly #recorded = new Map<string, Recorded>()

  constructor(exchanges: readonly RecordedExchange[], match: HarMatch) {
    this.#match = match
    this.#redacted = new Set(exchanges.flatMap(({ url }) => redactedNames(url)))
    for (const exchange of exchanges) {
      const key = this.#key(exchange.method, exchange.url)
      const recorded = this.#recorded.get(key)
      if (recorded === undefined) this.#recorded.set(key, { exchanges: [exchange], used: 0 })
      else recorded.exchanges.push(exchange)
    }
  }

  /**
   * Answers a request.
   * @throws UsageError `ERR_HAR_NO_ENTRY`; StreamError if the recorded request failed.
   */
  answer({ method, url }: MockRequest): MockResponse {
    const recorded = this.#recorded.get(this.#key(method, url))
    if (recorded === undefined) throw this.#unknown(method, url)
    const { exchanges } = recorded
    const isUsedUp = recorded.used === exchanges.length
    if (isUsedUp && this.#match === 'strict') throw usedUp(method, url, exchanges.length)
    if (!isUsedUp) recorded.used++
    return responseOf(exchanges[recorded.used - 1]!)
  }

  #key(method: string, url: string): string {
    const parsed = new URL(url)
    parsed.hash = ''
    for (const name of new Set(parsed.searchParams.keys())) {
      if (this.#redacted.has(name.toLowerCase())) parsed.searchParams.set(name, REDACTED)
    }
    if (this.#match === 'loose') parsed.searchParams.sort()
    return `${method} ${parsed.href}`
  }

  #unknown(method: string, url: string): UsageError {
    const key = this.#key(method, url)
    const nearest = nearestOf(key, [...this.#recorded.keys()])
    const advice = nearest === undefined ? 'the file has no requests' : `the nearest recorded one is ${printable(nearest)}`
    return noEntry(`no response is recorded for ${printable(`${method} ${url}`)}: ${advice}`)
  }
}

function redactedNames(url: string): string[] {
  return [...new URL(url).searchParams].filter(([, text]) => text === REDACTED).map(([name]) => name.toLowerCase())
}

function nearestOf(key: string, candidates: readonly string[]): string | undefined {
  let nearest: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const candidate of candidates.slice(0, MAX_CANDIDATES)) {
    const edits = editDistance(key.slice(0, MAX_COMPARED), candidate.slice(0, MAX_COMPARED))
    if (edits >= least) continue
    least = edits
    nearest = candidate
  }
  return nearest
}

function usedUp(method: string, url: string, count: number): UsageError {
  const times = count === 1 ? 'once' : `${count} times`
  const advice = "send it as often, or set match: 'loose'"
  return noEntry(`${printable(`${method} ${url}`)} is recorded ${times}, and was sent once more: ${advice}`)
}

function noEntry(message: string): UsageError {
  return new UsageError('ERR_HAR_NO_ENTRY', message)
}

function responseOf({ status, headers, body, error, url }: RecordedExchange): MockResponse {
  if (status === 0) throw failureOf(error, url)
  if (error !== undefined) return { status, headers, body: brokenOff(body, failureOf(error, url)) }
  if (body.length === 0 || WITHOUT_CONTENT.has(status)) return { status, headers }
  return { status, headers, body }
}

/** Content that fails after what was recorded. */
async function* brokenOff(body: Uint8Array, error: Error): AsyncGenerator<Uint8Array, void> {
  if (body.length > 0) yield body
  throw error
}

/** Not a lost connection, which the client would replay: the recorded failure is the last one. */
function failureOf(error: string | undefined, url: string): StreamError {
  const message = `the recorded request failed${error === undefined ? '' : `: ${error}`}`
  const { origin } = new URL(url)
  return new StreamError('ERR_STREAM_RESET', message, { origin, initiator: 'peer', processed: 'yes' })
}
