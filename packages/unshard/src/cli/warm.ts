/** Connects to origins as a client does, for commands that look at the connections. */

import type { Client, WarmResult } from '@unshard/core'
import type { Connecting } from './connecting.js'

/**
 * Connects to each origin, and waits for the server's first frames, such as ORIGIN: they have arrived
 * once it has answered a PING.
 */
export async function warm(client: Client, origins: readonly string[], { timeoutMs }: Connecting): Promise<WarmResult[]> {
  const warmed = await client.warm(origins)
  await Promise.all(
    warmed.map(async ({ origin, connection }) => {
      if (connection?.protocol === 'h2') await client.ping(origin, timeoutMs).catch(() => undefined)
    }),
  )
  return warmed
}
