/** `EventSource` (HTML standard §9.2) over our fetch: the class is the package eventsource's, the connections are the client's. */

import { type EventSourceInit, EventSource as PackagedEventSource } from 'eventsource'
import { fetch as defaultFetch } from '../fetch/default.js'
import type { FetchFunction } from '../fetch/fetch.js'

/** The class of the platform, whose init also takes the `fetch` to use. */
export type EventSourceClass = typeof PackagedEventSource

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
      const unshard = { timeouts: { body: 0 } }
      const patient: FetchFunction = (input, given) => fetch(input, { ...given, unshard })
      super(url, { fetch: patient as unknown as NonNullable<EventSourceInit['fetch']>, ...init })
    }
  }
}

/** {@link createEventSource} over the default client. */
export const EventSource: EventSourceClass = createEventSource(defaultFetch)
