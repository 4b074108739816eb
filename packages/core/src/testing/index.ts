export type { HarMatch } from './har-replay.js'
export {
  type HarClientOptions,
  type MockClientFactory,
  type MockClientOptions,
  type MockedClient,
  mockClient,
} from './mock-client.js'
export { MockConnection, type MockConnectionOptions } from './mock-connection.js'
export { type MockHandler, MockRequest, type MockResponse } from './mock-message.js'
