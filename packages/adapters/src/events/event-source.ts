/** `EventSource` (HTML standard §9.2) over our fetch: the class is the package eventsource's, the connections are the client's. */

import { systemClock } from '@unshard/core'
import { type EventSourceInit, EventSource as PackagedEventSource } from 'eventsource'
import { fetch as defaultFetch } from '../fetch/default.js'
import type { FetchFunction } from '../fetch/fetch.js'
import { EventLines } from './event-lines.js'
import { pause, utf8AsBytes } from './stream-events.js'

/** The class of the platform, whose init also takes the `fetch` to use. */
export type EventSourceClass = typeof PackagedEventSource

/** Attempts begin no closer together, milliseconds, whatever the server says. */
const MIN_INTERVAL_MS = 100

/**
 * An `EventSource` class whose streams go through `fetch`: many of them share one HTTP/2 connection. No limit is set on the silence
 * between two events.
 */
export function createEventSource(fetch: FetchFunction): EventSourceClass {
  // Not named EventSource: bundlers that merge this with the constant below would let the class shadow it before it is initialized.
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

/** The requests of one source, one after the other: what is known of IDs is kept from each to the next. */
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

/** The bytes of an event stream with its lines put right. */
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
