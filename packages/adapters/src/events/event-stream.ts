/**
 * Server-sent events (HTML standard §9.2) out of a response: the events of `text/event-stream`, one after the other, as they arrive. What
 * the lines mean is eventsource-parser's to know; how much of them is kept is decided here.
 */

import { ResponseError } from '@unshard/core'
import { createParser, type ParseError } from 'eventsource-parser'
import { quoted } from '../fetch/location.js'
import { extractMimeType } from '../fetch/mime-type.js'

/** One event, as it was dispatched. */
export interface ServerSentEvent {
  /** The name the server gave it. Default `message`. */
  readonly event: string
  /** Its lines, joined by line feeds. */
  readonly data: string
  /** The last event ID: its own, or that of the newest event before it that had one. Empty where there was none. */
  readonly id: string
}

/** Limits of {@link readEvents}. */
export interface ReadEventsOptions {
  /** Characters of an event that is not complete. Default 16 Mi. Beyond it the stream ends with `ERR_EVENT_TOO_LARGE`. */
  readonly maxEventLength?: number
}

/** What outlives one response: the two things a server tells a client for its next attempt. */
export interface StreamMemory {
  lastEventId: string
  retryMs: number
}

const DEFAULT_MAX_EVENT_LENGTH = 16 * 1_024 * 1_024

/**
 * The events of one response, which is read to its end; leaving the loop ends the response.
 * @throws ResponseError `ERR_EVENT_STREAM` for a response that is none (HTML standard §9.2.3: status 200, `text/event-stream`),
 *   `ERR_EVENT_TOO_LARGE` for an event over the limit.
 */
export async function* readEvents(response: Response, options: ReadEventsOptions = {}): AsyncGenerator<ServerSentEvent, void> {
  yield* readInto({ lastEventId: '', retryMs: 0 }, response, options)
}

/** The same, that keeps what is told for the next attempt. */
export async function* readInto(
  memory: StreamMemory,
  response: Response,
  options: ReadEventsOptions,
): AsyncGenerator<ServerSentEvent, void> {
  await checkEventStream(response)
  const events: ServerSentEvent[] = []
  let failed: ParseError | undefined
  const parser = createParser({
    maxBufferSize: options.maxEventLength ?? DEFAULT_MAX_EVENT_LENGTH,
    onEvent({ id, event = 'message', data }) {
      if (id !== undefined) memory.lastEventId = id
      events.push({ event, data, id: memory.lastEventId })
    },
    onRetry(ms) {
      memory.retryMs = ms
    },
    onError(error) {
      // Unknown fields and a `retry` that is no number are to be ignored (HTML standard §9.2.6).
      if (error.type === 'max-buffer-size-exceeded') failed = error
    },
  })
  for await (const text of decoded(response)) {
    parser.feed(text)
    // What was complete before it went wrong is delivered.
    yield* events.splice(0)
    if (failed !== undefined)
      throw new ResponseError('ERR_EVENT_TOO_LARGE', failed.message, { origin: originOf(response), cause: failed })
  }
}

/** HTML standard §9.2.6: UTF-8, whatever anybody says. */
async function* decoded(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  if (response.body === null) return
  for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) yield decoder.decode(bytes, { stream: true })
}

async function checkEventStream(response: Response): Promise<void> {
  const type = response.headers.get('content-type') ?? ''
  if (response.status === 200 && extractMimeType(type)?.essence === 'text/event-stream') return
  await response.body?.cancel()
  const what = response.status === 200 ? `content of type ${quoted(type)}` : `status ${response.status}`
  throw new ResponseError('ERR_EVENT_STREAM', `${response.url} is no event stream: ${what}`, { origin: originOf(response) })
}

function originOf({ url }: Response): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined
}
