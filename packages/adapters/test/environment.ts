/** Environment of the adapters' tests, and clients that resolve its hosts. */

import { Client, type ClientOptions } from '@unshard/core'
import { type OriginHandler, staticLookup, type TestWorld, testWorld } from '@unshard/testkit'
import { createFetch, type Fetch } from '../src/index.js'

/** Call once, at the top level of a test file. */
export function testEnvironment(): Pick<TestWorld, 'server' | 'peer'> & {
  client(options?: ClientOptions): Client
  fetch(options?: ClientOptions): Fetch
} {
  const environment = testWorld()
  const client = (options: ClientOptions = {}): Client => {
    const lookup = staticLookup({ 'a.test.example': '127.0.0.1', 'b.test.example': '127.0.0.1' })
    const made = new Client({ tls: { ca: environment.authority.ca }, lookup, ...options })
    environment.defer(() => made.destroy())
    return made
  }
  return { server: environment.server, peer: environment.peer, client, fetch: (options) => createFetch(client(options)) }
}

/**
 * A handler that writes without end and counts the bytes it could write before it was held back.
 */
export function flood(): { handler: OriginHandler; sent(): number } {
  let sent = 0
  const handler: OriginHandler = (_request, response) => {
    const chunk = Buffer.alloc(65_536)
    const fill = (): void => {
      do sent += chunk.length
      while (response.write(chunk))
    }
    response.writeHead(200)
    response.on('drain', fill)
    fill()
  }
  return { handler, sent: () => sent }
}
