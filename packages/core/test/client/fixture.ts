/** The fixture of the client's tests, and clients that know its hosts. */

import { staticLookup, type TestWorld, testWorld } from '@unshard/testkit'
import { Client, type ClientOptions } from '../../src/index.js'

/** Call once, at the top level of a test file. */
export function clientFixture(): TestWorld & { client(options?: ClientOptions): Client } {
  const world = testWorld()
  const client = (options: ClientOptions = {}): Client => {
    const names = Object.fromEntries([...'abcdefgh'].map((letter) => [`${letter}.test.example`, '127.0.0.1']))
    const made = new Client({ tls: { ca: world.authority.ca }, lookup: staticLookup(names), ...options })
    world.defer(() => made.destroy())
    return made
  }
  return Object.defineProperties({ client } as never, Object.getOwnPropertyDescriptors(world)) as never
}
