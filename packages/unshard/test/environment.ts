/** Test environment of the complete package, and clients with its defaults. */

import { type TestWorld, testWorld } from '@unshard/testkit'
import { type Client, type ClientOptions, createClient } from '../src/index.js'

/** Call once, at the top level of a test file. */
export function testEnvironment(): TestWorld & { client(options?: ClientOptions): Client } {
  const environment = testWorld()
  const client = (options: ClientOptions = {}): Client => {
    const made = createClient({ tls: { ca: environment.authority.ca }, ...options })
    environment.defer(() => made.destroy())
    return made
  }
  return Object.defineProperties({ client } as never, Object.getOwnPropertyDescriptors(environment)) as never
}
