/**
 * Main program of the origin server process, which can be killed or stopped, and keeps running
 * while the client is busy.
 */

import type { Credentials } from '@unshard/testkit'
import { type OriginServer, startOriginServer } from '@unshard/testkit'
import { Gates, type Point } from './account.js'
import { createHandler } from './handler.js'

/** Messages to the process. */
export type ToOrigin =
  | { readonly start: { readonly tls: Credentials } }
  | { readonly release: string }
  /** Answered when everything before it is done. */
  | { readonly sync: number }
  /** Answered when no client socket is open. */
  | { readonly quiet: number }

/** Messages from the process. */
export type FromOrigin =
  | { readonly ports: readonly number[] }
  | { readonly id: string; readonly point: Point }
  | { readonly done: number }

/** Small, so that content has to wait for it. */
const WINDOW_BYTES = 4_096

const gates = new Gates()
const servers: OriginServer[] = []
const tell = (message: FromOrigin): void => void process.send!(message)

async function start(tls: Credentials): Promise<void> {
  const handler = createHandler({ gates, at: (id, point) => tell({ id, point }) })
  for (const maxConcurrentStreams of [100, 1]) {
    const settings = { initialWindowSize: WINDOW_BYTES, maxConcurrentStreams }
    servers.push(await startOriginServer({ tls, handler, settings }))
  }
  servers.push(await startOriginServer({ tls, handler, protocols: ['http/1.1'] }))
  tell({ ports: servers.map(({ port }) => port) })
}

async function quiet(number: number): Promise<void> {
  while (servers.some(({ openSockets }) => openSockets > 0)) await new Promise(setImmediate)
  tell({ done: number })
}

process.on('message', (message: ToOrigin) => {
  if ('start' in message) void start(message.start.tls)
  else if ('release' in message) gates.open(message.release)
  else if ('quiet' in message) void quiet(message.quiet)
  else tell({ done: message.sync })
})
// The parent process has ended.
process.once('disconnect', () => process.exit())
