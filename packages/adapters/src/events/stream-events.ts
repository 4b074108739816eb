/**
 * Iterates over the server-sent events of any request and reconnects when the connection is lost
 * (HTML standard §9.2.3).
 */

import { type Clock, ResponseError, systemClock, UnshardError, UsageError } from '@unshard/core'
import {
  type Abortable,
  abortReason,
  flagRow,
  linkAbort,
  milliseconds,
  namesOf,
  numberIn,
  type OptionSchema,
  ownOptions,
  shownValue,
  unlinkAbort,
  value,
} from '@unshard/core/internal'
import { fetch as defaultFetch } from '../fetch/default.js'
import type { FetchFunction } from '../fetch/fetch.js'
import type { FetchInit } from '../fetch/init.js'
import {
  checkMaxLength,
  READ_EVENTS_OPTIONS,
  type ReadEventsOptions,
  readInto,
  type ServerSentEvent,
  type StreamMemory,
} from './event-stream.js'

/** Options of {@link streamEvents}. */
export interface StreamEventsOptions extends ReadEventsOptions {
  /** Sends the requests. @default the `fetch` of this package */
  readonly fetch?: FetchFunction
  /** Reconnect when the stream ends or is lost. @default true */
  readonly reconnect?: boolean
  /**
   * Delay before reconnecting, in milliseconds, until the server sets another (`retry:`). Minimum
   * 100. Doubles with each attempt that brings no event, up to one minute.
   * @default 3,000
   */
  readonly retryMs?: number
  /** ID to resume from, sent as `Last-Event-ID`. */
  readonly lastEventId?: string
  /** Clock for the delays. Default: the system clock. @default the system's */
  readonly clock?: Clock
}

const DEFAULT_RETRY_MS = 3_000
const MAX_RETRY_MS = 60_000
/**
 * Shortest delay, whatever the server asks for: a server must not turn its clients into a flood.
 */
const MIN_RETRY_MS = 100
/** Longest delay a timer supports; a longer one would fire at once. */
const MAX_TIMER_MS = 0x7fff_ffff

/**
 * Sends the request and yields its events. When the stream ends or its connection is lost, sends
 * the request again with the ID of the last event; with `reconnect: false` the iteration ends
 * instead. A 204 ends it as well. The time between two events is limited only if
 * `init.unshard.timeouts` says so.
 * @param init as for `fetch`; a body must be replayable.
 * @throws ResponseError `ERR_EVENT_STREAM`, `ERR_EVENT_TOO_LARGE` as {@link readInto}; the error of
 * `fetch` if reconnecting cannot help; `signal.reason`.
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

/** Options of `streamEvents()`. */
export const STREAM_EVENTS_OPTIONS: OptionSchema<StreamEventsOptions> = {
  ...READ_EVENTS_OPTIONS,
  fetch: value('a function', 'the `fetch` of this package'),
  reconnect: flagRow(true),
  retryMs: milliseconds(DEFAULT_RETRY_MS),
  lastEventId: value('one line of text'),
  clock: value('a `Clock`', "the system's"),
}

const NAMES = namesOf(STREAM_EVENTS_OPTIONS)

/** @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`. */
function checkOptions(options: StreamEventsOptions | undefined) {
  const own = ownOptions(options, NAMES, '', 'streamEvents()')
  const { fetch = defaultFetch, reconnect = true, lastEventId = '', clock = systemClock } = own
  if (typeof fetch !== 'function') throw invalid('fetch', 'a function', fetch)
  if (typeof reconnect !== 'boolean') throw invalid('reconnect', 'true or false', reconnect)
  if (typeof lastEventId !== 'string' || /[\0\n\r]/.test(lastEventId))
    throw invalid('lastEventId', 'one line of text', lastEventId)
  const retryMs = numberIn(STREAM_EVENTS_OPTIONS, own, 'retryMs')
  return { fetch, reconnect, clock, lastEventId, retryMs, maxEventLength: checkMaxLength(own.maxEventLength) }
}

function invalid(name: string, wanted: string, value: unknown): UsageError {
  return new UsageError('ERR_INVALID_OPTION', `option ${name} takes ${wanted}, not ${shownValue(value)}`)
}

/** @param failures consecutive earlier attempts that brought no event. */
function waitMs(retryMs: number, failures: number): number {
  const shortestMs = Math.max(retryMs, MIN_RETRY_MS)
  return Math.min(MAX_TIMER_MS, Math.max(shortestMs, Math.min(MAX_RETRY_MS, shortestMs * 2 ** failures)))
}

function attemptInit(init: FetchInit, { lastEventId }: StreamMemory): FetchInit {
  const headers = new Headers(init.headers as RequestInit['headers'])
  if (!headers.has('accept')) headers.set('accept', 'text/event-stream')
  if (lastEventId !== '') headers.set('last-event-id', utf8AsBytes(lastEventId))
  // Drop the `response` of an earlier call: it does not belong to this stream.
  const unshard = { ...init.unshard, timeouts: { body: 0, ...init.unshard?.timeouts } }
  return { cache: 'no-store', ...init, headers, unshard } as FetchInit
}

/**
 * HTML standard §9.2.3: the ID is sent UTF-8 encoded; each character of a field value holds one
 * byte.
 */
export function utf8AsBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/**
 * Whether reconnecting may help: network failures may pass, an invalid request, a forbidden address
 * or an invalid response stays invalid.
 */
function mayComeBack(error: unknown): boolean {
  const cause = error instanceof TypeError ? error.cause : error
  if (!(cause instanceof UnshardError) || cause.code === 'ERR_ADDRESS_FORBIDDEN') return false
  return !(cause instanceof UsageError) && !(cause instanceof ResponseError)
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
