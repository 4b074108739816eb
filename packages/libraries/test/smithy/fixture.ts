/** Servers of these tests, and clients of unshard that resolve the hosts of AWS to them. */

import { type OriginServer, type OriginServerOptions, staticLookup, type TestWorld, testWorld } from '@unshard/testkit'
import { type Client, type ClientOptions, createClient } from 'unshard'
import { CREDENTIALS } from './signature.js'

/** The protocols of a server, in the form of `describe.each`. */
export const PROTOCOLS = [['h2'], ['http/1.1']] as const
export type Protocol = (typeof PROTOCOLS)[number][0]

const BUCKETS = Array.from({ length: 12 }, (_, i) => `bucket-${i}.s3.test.example`)
/** Every host of these tests is this machine. */
export const HOSTS: Readonly<Record<string, string>> = Object.fromEntries(
  ['s3.test.example', 'dynamodb.test.example', 'bedrock.test.example', ...BUCKETS].map((host) => [host, '127.0.0.1']),
)

export interface SmithyWorld {
  readonly world: TestWorld
  server(options: OriginServerOptions): Promise<OriginServer>
  /** A client that coalesces, as `createClient()` makes it. */
  client(options?: ClientOptions): Client
}

/** Call once, at the top level of a test file. */
export function smithyWorld(): SmithyWorld {
  const world = testWorld()
  return {
    world,
    server: async (options) => world.server({ tls: await world.tls('*.test.example', '*.s3.test.example'), ...options }),
    client(options) {
      const client = createClient({ tls: { ca: world.authority.ca }, lookup: staticLookup(HOSTS), ...options })
      world.defer(() => client.destroy())
      return client
    },
  }
}

/** Configuration of an SDK client. */
export function configuration(service: 's3' | 'dynamodb' | 'bedrock', port: number) {
  return {
    region: 'eu-test-1',
    endpoint: `https://${service}.test.example:${port}`,
    credentials: CREDENTIALS,
  }
}
