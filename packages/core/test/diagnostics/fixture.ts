/** Records the messages of channels during a test. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel'

/** A recorded message. */
export interface Recorded {
  /** Without the prefix of the operation's channels, such as `unshard:request:start`. */
  readonly channel: string
  // biome-ignore lint/suspicious/noExplicitAny: messages of many types.
  readonly message: any
}

/** Subscribes to channels; `defer` is called with a function that ends it. */
export function record(defer: (close: () => void) => void, channels: readonly string[]): Recorded[] {
  const recorded: Recorded[] = []
  for (const name of channels) {
    // A copy: the message of an operation is one object that changes.
    const listener = (message: unknown): void =>
      void recorded.push({ channel: name.replace(/^tracing:/, ''), message: { ...(message as object) } })
    subscribe(name, listener)
    defer(() => unsubscribe(name, listener))
  }
  return recorded
}

/** The five channels of an operation. */
export function operation(name: string): string[] {
  return ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((event) => `tracing:unshard:${name}:${event}`)
}

/** The channels of a recording, in order. */
export function channelsOf(recorded: readonly Recorded[]): string[] {
  return recorded.map(({ channel }) => channel)
}
