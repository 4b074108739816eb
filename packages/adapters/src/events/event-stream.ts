/**
 * Reads the server-sent events (HTML standard §9.2) of a response as they arrive. The syntax of the
 * lines is eventsource-parser's job; this file limits how much is buffered.
 */

import { ResponseError } from '@unshard/core'
import { namesOf, number, numberIn, type OptionSchema, ownOptions } from '@unshard/core/internal'
import { createParser, type ParseError } from 'eventsource-parser'
import { type AnyResponse, checkResponse, leave, nameOf, originOf, readerOf } from '../fetch/any-response.js'
import { quoted } from '../fetch/location.js'
import { extractMimeType } from '../fetch/mime-type.js'
import { EventLines } from './event-lines.js'

/** One dispatched event. */
export interface ServerSentEvent {
  /** Event type set by the server. Default `message`. */
  readonly event: string
  /** Data lines, joined by line feeds. */
  readonly data: string
  /**
   * Last event ID: the ID of this event or of the newest earlier event that had one. Empty if no
   * event had one.
   */
  readonly id: string
}

/** Limits of {@link readEvents}. */
export interface ReadEventsOptions {
  /**
   * Maximum number of characters of an incomplete event. Default 16 Mi. Beyond it the stream ends
   * with `ERR_EVENT_TOO_LARGE`.
   * @default 16,777,216
   */
  readonly maxEventLength?: number
}

/** State that outlives one response: the two values a server sends for the next attempt. */
export interface StreamMemory {
  lastEventId: string
  retryMs: number
}

const DEFAULT_MAX_EVENT_LENGTH = 16 * 1_024 * 1_024

/** Options of `readEvents()`. */
export const READ_EVENTS_OPTIONS: OptionSchema<ReadEventsOptions> = {
  maxEventLength: number(DEFAULT_MAX_EVENT_LENGTH, 1, Number.MAX_SAFE_INTEGER, 'characters'),
}

const NAMES = namesOf(READ_EVENTS_OPTIONS)

/**
 * Iterates over the events of one response until its end. Leaving the loop ends the response.
 * @param response of `fetch` or of `client.request`.
 * @throws ResponseError `ERR_EVENT_STREAM` for a response that is not an event stream (HTML
 * standard §9.2.3: status 200, `text/event-stream`), `ERR_EVENT_TOO_LARGE` for an event over the
 * limit; UsageError `ERR_BODY_USED`, `ERR_UNKNOWN_OPTION`.
 */
export async function* readEvents(response: AnyResponse, options?: ReadEventsOptions): AsyncGenerator<ServerSentEvent, void> {
  const { maxEventLength } = ownOptions(options, NAMES, '', 'readEvents()')
  checkResponse(response, 'readEvents()')
  yield* readInto({ lastEventId: '', retryMs: 0 }, response, checkMaxLength(maxEventLength))
}

/** @throws UsageError `ERR_INVALID_OPTION`. */
export function checkMaxLength(value: number | undefined): number {
  return numberIn(READ_EVENTS_OPTIONS, { maxEventLength: value } as ReadEventsOptions, 'maxEventLength')
}

/** Like {@link readEvents}, and stores the values for the next attempt in `memory`. */
export async function* readInto(
  memory: StreamMemory,
  response: AnyResponse,
  maxEventLength: number,
): AsyncGenerator<ServerSentEvent, void> {
  await checkEventStream(response)
  const events: ServerSentEvent[] = []
  let failed: ParseError | undefined
  const lines = new EventLines(memory.lastEventId)
  const parser = createParser({
    maxBufferSize: maxEventLength,
    onEvent({ id = '', event = 'message', data }) {
      events.push({ event, data, id })
    },
    onRetry(ms) {
      memory.retryMs = ms
    },
    onError(error) {
      // Unknown fields and a `retry` that is not a number must be ignored (HTML standard §9.2.6).
      if (error.type === 'max-buffer-size-exceeded') failed = error
    },
  })
  for await (const text of decoded(response)) {
    parser.feed(lines.push(text))
    memory.lastEventId = lines.lastEventId
    // Deliver the events that were complete before the failure.
    yield* events.splice(0)
    if (failed !== undefined)
      throw new ResponseError('ERR_EVENT_TOO_LARGE', failed.message, { origin: originOf(response), cause: failed })
  }
}

/** Decodes the content as UTF-8, whatever the fields declare (HTML standard §9.2.6). */
async function* decoded(response: AnyResponse): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  const reader = readerOf(response)
  let isOver = false
  try {
    for (let bytes = await reader.next(); bytes !== undefined; bytes = await reader.next()) {
      yield decoder.decode(bytes, { stream: true })
    }
    isOver = true
  } finally {
    if (!isOver) await reader.leave().catch(() => undefined)
  }
}

async function checkEventStream(response: AnyResponse): Promise<void> {
  const type = response.headers.get('content-type') ?? ''
  if (response.status === 200 && extractMimeType(type)?.essence === 'text/event-stream') return
  await leave(response)
  const what = response.status === 200 ? `content of type ${quoted(type)}` : `status ${response.status}`
  throw new ResponseError('ERR_EVENT_STREAM', `${nameOf(response)} is not an event stream: ${what}`, {
    origin: originOf(response),
  })
}
