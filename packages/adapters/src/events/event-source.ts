/**
 * `EventSource` (HTML standard §9.2) over our fetch: the class comes from the package eventsource,
 * the connections from the client.
 */

import { systemClock } from '@unshard/core'
import { type EventSourceInit, EventSource as PackagedEventSource } from 'eventsource'
import { fetch as defaultFetch } from '../fetch/default.js'
import type { FetchFunction } from '../fetch/fetch.js'
import { EventLines } from './event-lines.js'
import { pause, utf8AsBytes } from './stream-events.js'

/** The platform's class, whose init also takes the `fetch` to use. */
export type EventSourceClass = typeof PackagedEventSource

/**
 * Minimum interval between the starts of two attempts, in milliseconds, whatever the server asks
 * for.
 */
const MIN_INTERVAL_MS = 100

/**
 * Creates an `EventSource` class whose streams go through `fetch`, so that many of them share one
 * HTTP/2 connection. The time between two events is not limited.
 */
export function createEventSource(fetch: FetchFunction): EventSourceClass {
  // Not named EventSource: a bundler that merges this with the constant below would let the class
  // shadow it before it is initialized.
  return class ClientEventSource extends PackagedEventSource {
    static {
      Object.defineProperty(ClientEventSource, 'name', { value: 'EventSource' })
    }

    constructor(url: string | URL, init?: EventSourceInit) {
      super(url, { fetch: attempts(fetch), ...init } as EventSourceInit)
    }
  }
}

type EventSourceFetch = NonNullable<EventSourceInit['fetch']>

/**
 * Sends the requests of one source, one after the other, and carries the event ID from each to the
 * next.
 */
function attempts(fetch: FetchFunction): EventSourceFetch {
  let lastEventId = ''
  let begunAt = Number.NEGATIVE_INFINITY
  return async (input, given) => {
    const waitMs = begunAt + MIN_INTERVAL_MS - systemClock.now()
    if (waitMs > 0) await pause(waitMs, systemClock, given.signal as AbortSignal | undefined)
    begunAt = systemClock.now()
    const headers = new Headers(given.headers)
    if (lastEventId !== '') headers.set('last-event-id', utf8AsBytes(lastEventId))
    else headers.delete('last-event-id')
    const init = { ...given, headers, unshard: { timeouts: { body: 0 } } }
    const response = await fetch(input, init as Parameters<FetchFunction>[1])
    const { status, url, redirected } = response
    const lines = new EventLines(lastEventId)
    const note = (): void => {
      lastEventId = lines.lastEventId
    }
    return { status, url, redirected, headers: response.headers, body: throughLines(response.body, lines, note) }
  }
}

/** Returns the bytes of an event stream with normalized lines. */
function throughLines(
  body: ReadableStream<Uint8Array> | null,
  lines: EventLines,
  onText: () => void,
): ReadableStream<Uint8Array> | null {
  const [decoder, encoder] = [new TextDecoder(), new TextEncoder()]
  return (
    body?.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(bytes, controller) {
          const text = lines.push(decoder.decode(bytes, { stream: true }))
          onText()
          if (text !== '') controller.enqueue(encoder.encode(text))
        },
      }),
    ) ?? null
  )
}

/** {@link createEventSource} over the default client. */
export const EventSource: EventSourceClass = createEventSource(defaultFetch)
