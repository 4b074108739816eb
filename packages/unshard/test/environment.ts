/** Test environment of the complete package, and clients with its defaults. */

import { type TestWorld, testWorld } from '@unshard/testkit'
import { type Client, type ClientOptions, createClient } from '../src/index.js'

/** Call once, at the top level of a test file. */
export function rig(): TestWorld & { client(options?: ClientOptions): Client } {
  const world = testWorld()
  const client = (options: ClientOptions = {}): Client => {
    const made = createClient({ tls: { ca: world.authority.ca }, ...options })
    world.defer(() => made.destroy())
    return made
  }
  return Object.defineProperties({ client } as never, Object.getOwnPropertyDescriptors(world)) as never
}
