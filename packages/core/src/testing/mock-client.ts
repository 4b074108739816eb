/** A client that talks to a function: everything above connections is the real thing, and nothing leaves the process. */

import { Client } from '../client/client.js'
import type { ClientOptions } from '../client/options.js'
import { MockConnection, type MockConnectionOptions } from './mock-connection.js'
import type { MockHandler } from './mock-message.js'

/** Options of {@link mockClient}: the client's, and how its connections are. */
export type MockClientOptions = Omit<ClientOptions, 'connections' | 'sockets' | 'lookup' | 'proxy'> & MockConnectionOptions

/** A client whose every connection is a {@link MockConnection} to `handler`, and those connections, oldest first. */
export interface MockedClient {
  readonly client: Client
  readonly connections: readonly MockConnection[]
}

/**
 * Makes one. Pool, deadlines, replays, retries and aborts work as always; names are not resolved and no socket is opened.
 * @throws UsageError as `new Client` does.
 */
export function mockClient(handler: MockHandler, options: MockClientOptions = {}): MockedClient {
  const { protocol, concurrency, remoteAddress, ...clientOptions } = options
  const like: MockConnectionOptions = {
    ...(protocol === undefined ? {} : { protocol }),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(remoteAddress === undefined ? {} : { remoteAddress }),
  }
  const connections: MockConnection[] = []
  const client = new Client({
    ...clientOptions,
    connections(target) {
      const connection = new MockConnection(target, handler, like)
      connections.push(connection)
      return connection
    },
  })
  return { client, connections }
}
