/**
 * A client whose server is a function: everything above connections is real, and nothing leaves the
 * process.
 */

import { Client } from '../client/client.js'
import type { ClientOptions } from '../client/options.js'
import { invalidOption } from '../schema/option-checks.js'
import { readHar } from './har-file.js'
import { type HarMatch, HarReplay } from './har-replay.js'
import { MockConnection, type MockConnectionOptions } from './mock-connection.js'
import type { MockHandler } from './mock-message.js'

/** Options of {@link mockClient}: client options and mock connection options. */
export type MockClientOptions = Omit<ClientOptions, 'connections' | 'sockets' | 'lookup' | 'proxy'> & MockConnectionOptions

/** Options of {@link MockClientFactory.fromHar}. */
export interface HarClientOptions extends MockClientOptions {
  /**
   * How requests find their response, by method and URL. `strict`: each entry once, in the recorded order. `loose`: the last entry is
   * repeated, and the order of query parameters is ignored. @default 'strict'
   */
  readonly match?: HarMatch
}

/**
 * A client whose connections are all {@link MockConnection}s, and those connections, oldest first.
 */
export interface MockedClient {
  readonly client: Client
  readonly connections: readonly MockConnection[]
}

/** Creates mock clients. */
export interface MockClientFactory {
  /**
   * Creates a mock client. Pool, deadlines, replays, retries and aborts work as usual; names are not
   * resolved, and no sockets are opened.
   * @throws UsageError as `new Client` does.
   */
  (handler: MockHandler, options?: MockClientOptions): MockedClient
  /**
   * Creates a mock client that answers with the responses of a HAR file: of `recordHar()`, Chrome or Firefox. Requests that are not in the file
   * fail with a UsageError `ERR_HAR_NO_ENTRY` that names the nearest one.
   * @throws UsageError `ERR_HAR_FILE`, and as `new Client` does.
   */
  fromHar(file: string | URL, options?: HarClientOptions): MockedClient
}

function create(handler: MockHandler, options: MockClientOptions = {}): MockedClient {
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

function fromHar(file: string | URL, options: HarClientOptions = {}): MockedClient {
  const { match = 'strict', ...rest } = options
  if (match !== 'strict' && match !== 'loose') throw invalidOption('match', "'strict' or 'loose'", match)
  const replay = new HarReplay(readHar(file), match)
  return create((request) => replay.answer(request), rest)
}

/** Creates mock clients, from a function or from a HAR file. */
export const mockClient: MockClientFactory = Object.assign(create, { fromHar })
