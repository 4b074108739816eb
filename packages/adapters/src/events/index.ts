export { createEventSource, EventSource, type EventSourceClass } from './event-source.js'
export { type ReadEventsOptions, readEvents, type ServerSentEvent } from './event-stream.js'
export { type StreamEventsOptions, streamEvents } from './stream-events.js'
