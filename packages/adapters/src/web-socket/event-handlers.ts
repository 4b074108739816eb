/** The handlers of a WebSocket, such as `onmessage`: at most one for each event. */

import type { WebSocketEventMap } from './events.js'

/** The name of an event. */
export type EventName = keyof WebSocketEventMap

/** A handler, or `null`. */
export type Handler<Name extends EventName> = ((event: WebSocketEventMap[Name]) => unknown) | null

/** A listener with the handler that it calls. */
interface HandlerListener {
  current: (event: Event) => unknown
  handleEvent(event: Event): void
}

/** The handlers of one target. */
export class EventHandlers {
  readonly #target: EventTarget
  readonly #listeners = new Map<EventName, HandlerListener>()

  constructor(target: EventTarget) {
    this.#target = target
  }

  get<Name extends EventName>(type: Name): Handler<Name> {
    return (this.#listeners.get(type)?.current as Handler<Name> | undefined) ?? null
  }

  /** Sets a handler; one that replaces another keeps its place among the listeners. Values other than functions remove it. */
  set<Name extends EventName>(type: Name, given: Handler<Name>): void {
    const handler = typeof given === 'function' ? (given as (event: Event) => unknown) : null
    const listener = this.#listeners.get(type)
    if (listener !== undefined && handler !== null) {
      listener.current = handler
    } else if (handler !== null) {
      const target = this.#target
      const added: HandlerListener = {
        current: handler,
        handleEvent: (event) => void added.current.call(target, event),
      }
      this.#listeners.set(type, added)
      target.addEventListener(type, added)
    } else if (listener !== undefined) {
      this.#listeners.delete(type)
      this.#target.removeEventListener(type, listener)
    }
  }
}
