/** Which client an adapter observes. */

import type { Client } from '@unshard/core'
import { invalidOption } from '@unshard/core/internal'

/** Returns the id of a client, which its events carry. @throws UsageError `ERR_INVALID_OPTION`. */
export function checkClient(client: Client): number {
  const id = typeof client?.stats === 'function' ? client.stats().id : undefined
  if (typeof id === 'number') return id
  throw invalidOption('client', 'a client', client)
}
