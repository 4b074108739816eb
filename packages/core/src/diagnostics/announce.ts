/** Tells agents that load their support for undici with undici itself that its channels are in use. */

import { channel } from 'node:diagnostics_channel'

/**
 * `dd-trace` subscribes to the channels of undici once the program loads the package `undici`. The
 * name of the package on this channel has the same effect.
 */
const DATADOG = channel('dd-trace:instrumentation:load')

let isAnnounced = false

/** Announces the channels of undici, at most once. Called with each client: an agent may be started after the first. */
export function announceChannels(): void {
  if (isAnnounced || !DATADOG.hasSubscribers) return
  isAnnounced = true
  DATADOG.publish({ name: 'undici' })
}
