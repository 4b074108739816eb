/**
 * A client whose server is a function: everything above connections is real, and nothing leaves the
 * process.
 */

import { Client } from '../client/client.js'
import type { ClientOptions } from '../client/options.js'
import { MockConnection, type MockConnectionOptions } from './mock-connection.js'
import type { MockHandler } from './mock-message.js'

/** Options of {@link mockClient}: client options and mock connection options. */
export type MockClientOptions = Omit<ClientOptions, 'connections' | 'sockets' | 'lookup' | 'proxy'> & MockConnectionOptions

/**
 * A client whose connections are all {@link MockConnection}s, and those connections, oldest first.
 */
export interface MockedClient {
  readonly client: Client
  readonly connections: readonly MockConnection[]
}

/**
 * Creates a mock client. Pool, deadlines, replays, retries and aborts work as usual; names are not
 * resolved, and no sockets are opened.
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
