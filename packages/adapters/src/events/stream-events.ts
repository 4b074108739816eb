/** Server-sent events of any request, as an async iteration that comes back when its connection is lost (HTML standard §9.2.3). */

import { type Clock, ResponseError, systemClock, UnshardError, UsageError } from '@unshard/core'
import { type Abortable, abortReason, inRange, linkAbort, ownOptions, shownValue, unlinkAbort } from '@unshard/core/internal'
import { fetch as defaultFetch } from '../fetch/default.js'
import type { FetchFunction } from '../fetch/fetch.js'
import type { FetchInit } from '../fetch/init.js'
import { checkMaxLength, type ReadEventsOptions, readInto, type ServerSentEvent, type StreamMemory } from './event-stream.js'

/** How {@link streamEvents} asks, and asks again. */
export interface StreamEventsOptions extends ReadEventsOptions {
  /** Through which the requests go. Default: this package's own. */
  readonly fetch?: FetchFunction
  /** Whether to ask again when the stream ends or is lost. Default true. */
  readonly reconnect?: boolean
  /**
   * The wait before that, milliseconds, until the server says another (`retry:`). Never less than 100. Doubled with each attempt that brings no
   * event, to a minute. Default 3,000.
   */
  readonly retryMs?: number
  /** The ID to go on from: sent as `Last-Event-ID`. Default none. */
  readonly lastEventId?: string
  /** What waits are measured on. Default: the machine's. */
  readonly clock?: Clock
}

const DEFAULT_RETRY_MS = 3_000
const MAX_RETRY_MS = 60_000
/** The shortest wait, whatever the server says: it must not make its clients a flood. */
const MIN_RETRY_MS = 100
/** A timer has room for no more: beyond it, it would fire at once. */
const MAX_TIMER_MS = 0x7fff_ffff

/**
 * Asks, and yields the events. When the stream ends or its connection is lost, it asks again with the ID of the last event; with
 * `reconnect: false` the end is the end. A 204 ends it as well. There is no limit on the silence between two events unless `init.unshard.timeouts` sets one.
 *
 * @param init as for `fetch`; a body has to be one that can be sent again.
 * @throws ResponseError `ERR_EVENT_STREAM`, `ERR_EVENT_TOO_LARGE` as {@link readInto}; what `fetch` rejects with where asking again cannot
 *   help; `signal.reason`.
 */
export async function* streamEvents(
  url: string | URL,
  init: FetchInit = {},
  options?: StreamEventsOptions,
): AsyncGenerator<ServerSentEvent, void> {
  const { fetch, reconnect, clock, maxEventLength, ...start } = checkOptions(options)
  const memory: StreamMemory = { ...start }
  for (let failures = 0; ; ) {
    try {
      const response = await fetch(url, attemptInit(init, memory))
      // HTML standard §9.2: "clients will reconnect ... unless ... HTTP 204 No Content".
      if (response.status === 204) return
      for await (const event of readInto(memory, response, maxEventLength)) {
        failures = 0
        yield event
      }
      if (!reconnect) return
    } catch (error) {
      if (!reconnect || !mayComeBack(error)) throw error
    }
    await pause(waitMs(memory.retryMs, failures++), clock, init.signal)
  }
}

const NAMES: ReadonlySet<string> = new Set<keyof StreamEventsOptions>([
  'fetch',
  'reconnect',
  'retryMs',
  'lastEventId',
  'clock',
  'maxEventLength',
])

/** @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`. */
function checkOptions(options: StreamEventsOptions | undefined) {
  const own = ownOptions(options, NAMES, '', 'streamEvents()')
  const { fetch = defaultFetch, reconnect = true, lastEventId = '', clock = systemClock } = own
  if (typeof fetch !== 'function') throw invalid('fetch', 'a function', fetch)
  if (typeof reconnect !== 'boolean') throw invalid('reconnect', 'true or false', reconnect)
  if (typeof lastEventId !== 'string' || /[\0\n\r]/.test(lastEventId))
    throw invalid('lastEventId', 'one line of text', lastEventId)
  const retryMs = inRange('retryMs', own.retryMs, DEFAULT_RETRY_MS, 0, MAX_TIMER_MS)
  return { fetch, reconnect, clock, lastEventId, retryMs, maxEventLength: checkMaxLength(own.maxEventLength) }
}

function invalid(name: string, wanted: string, value: unknown): UsageError {
  return new UsageError('ERR_INVALID_OPTION', `option ${name} takes ${wanted}, not ${shownValue(value)}`)
}

/** @param failures attempts in a row, before the last, that brought no event. */
function waitMs(retryMs: number, failures: number): number {
  const least = Math.max(retryMs, MIN_RETRY_MS)
  return Math.min(MAX_TIMER_MS, Math.max(least, Math.min(MAX_RETRY_MS, least * 2 ** failures)))
}

function attemptInit(init: FetchInit, { lastEventId }: StreamMemory): FetchInit {
  const headers = new Headers(init.headers as RequestInit['headers'])
  if (!headers.has('accept')) headers.set('accept', 'text/event-stream')
  if (lastEventId !== '') headers.set('last-event-id', utf8AsBytes(lastEventId))
  // A response of last time is not this stream's.
  const unshard = { ...init.unshard, timeouts: { body: 0, ...init.unshard?.timeouts } }
  return { cache: 'no-store', ...init, headers, unshard } as FetchInit
}

/** HTML standard §9.2.3: the ID travels UTF-8 encoded; a field's value holds a byte in each character. */
export function utf8AsBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** What the network did may pass; a request that is wrong, and a response that is none, stay so. */
function mayComeBack(error: unknown): boolean {
  const cause = error instanceof TypeError ? error.cause : error
  return cause instanceof UnshardError && !(cause instanceof UsageError) && !(cause instanceof ResponseError)
}

/** Waits, unless `signal` is aborted. */
export function pause(ms: number, clock: Clock, signal: AbortSignal | null | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(abortReason(signal))
    const timer = clock.startTimer(ms, () => {
      if (signal) unlinkAbort(signal, waiting)
      resolve()
    })
    const waiting: Abortable = {
      abort(reason) {
        timer.cancel()
        reject(reason)
      },
    }
    if (signal) linkAbort(signal, waiting)
  })
}
