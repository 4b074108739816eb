/**
 * The fixture of the client's tests: clients that trust the test authority and resolve its hosts.
 */

import { staticLookup, type TestWorld, testWorld } from '@unshard/testkit'
import { Client, type ClientOptions } from '../../src/index.js'

/** Call once, at the top level of a test file. */
export function clientFixture(): TestWorld & { client(options?: ClientOptions): Client } {
  const fixture = testWorld()
  const createClient = (options: ClientOptions = {}): Client => {
    const names = Object.fromEntries([...'abcdefgh'].map((letter) => [`${letter}.test.example`, '127.0.0.1']))
    const client = new Client({ tls: { ca: fixture.authority.ca }, lookup: staticLookup(names), ...options })
    fixture.defer(() => client.destroy())
    return client
  }
  return Object.defineProperties({ client: createClient } as never, Object.getOwnPropertyDescriptors(fixture)) as never
}
