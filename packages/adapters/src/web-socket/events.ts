/** The events of a WebSocket: the runtime's classes where it has them, else the same members. */

import type { CloseOutcome } from './close-outcome.js'

/** The event `close`. */
export interface WebSocketCloseEvent extends Event {
  /** Code of the server's Close frame; 1005 for a frame without one, 1006 without a frame. */
  readonly code: number
  /** Reason in that frame. */
  readonly reason: string
  /** Whether both ends have sent a Close frame. */
  readonly wasClean: boolean
}

/** The event `error`. */
export interface WebSocketErrorEvent extends Event {
  /** The error: of this project, or the reason of a signal. */
  readonly error: Error
  readonly message: string
}

/** The events of a {@link WebSocket}. */
export interface WebSocketEventMap {
  readonly open: Event
  readonly message: MessageEvent
  readonly error: WebSocketErrorEvent
  readonly close: WebSocketCloseEvent
}

type EventClass = new (type: string, init?: object) => Event

const { CloseEvent, ErrorEvent } = globalThis as unknown as Readonly<Record<string, EventClass | undefined>>

export function closeEvent({ code, reason, wasClean }: CloseOutcome): Event {
  return make(CloseEvent, 'close', { code, reason, wasClean })
}

export function errorEvent(error: Error): Event {
  return make(ErrorEvent, 'error', { error, message: error.message })
}

function make(Kind: EventClass | undefined, type: string, members: object): Event {
  if (Kind !== undefined) return new Kind(type, members)
  const event = new Event(type)
  for (const [name, value] of Object.entries(members)) Object.defineProperty(event, name, { value, enumerable: true })
  return event
}
