/** `inspect()`: wires the requests of a process to the server of the live page. */

import type { Client } from '@unshard/core'
import { Redaction } from '../har/redaction.js'
import { checkClient } from '../observation/check-client.js'
import { LiveEntries } from './live-entries.js'
import { type InspectOptions, resolveInspectOptions } from './options.js'
import { InspectServer } from './server.js'
import { Subscribers } from './subscribers.js'

/** A live page. */
export interface Inspection {
  /** URL of the page, with its token. Its readers see the requests. */
  readonly url: string
  /** Port on 127.0.0.1. */
  readonly port: number
  /** Ends the page and its server. Calls after the first return the same promise. */
  close(): Promise<void>
  /** Same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Serves a page on 127.0.0.1 that shows requests while they happen: each attempt from the moment it starts. Credentials and cookies are
 * replaced by `redacted`; bodies are not recorded.
 * @param client a client whose requests are shown; without it, those of all clients of the process.
 * @returns resolves when the server listens. It does not keep the process alive, unless `keepProcess` is set.
 * @throws UsageError `ERR_INSPECT_LISTEN` if the port is in use; `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`.
 */
export async function inspect(client?: Client, options?: InspectOptions): Promise<Inspection> {
  const clientId = client === undefined ? undefined : checkClient(client)
  const { port, maxEntries, fields, query, title, keepProcess } = resolveInspectOptions(options)
  const settings = { redaction: new Redaction(fields, query), maxBodyBytes: 0 }
  const entries: LiveEntries = new LiveEntries(clientId, settings, maxEntries, () => subscribers.schedule())
  const subscribers = new Subscribers(entries)
  const server = new InspectServer(subscribers, title, keepProcess)
  try {
    await server.listen(port)
  } catch (error) {
    entries.stop()
    throw error
  }
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => {
    if (closed === undefined) {
      entries.stop()
      closed = server.close()
    }
    return closed
  }
  return { url: server.url, port: server.port, close, [Symbol.asyncDispose]: close }
}
