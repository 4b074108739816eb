/**
 * Local servers, names that resolve to them, and a helper that sends a request and returns its
 * connection.
 */

import { type OriginServer, type OriginServerOptions, type StaticLookup, staticLookup, type TestWorld } from '@unshard/testkit'
import type { Client, ClientOptions, ConnectionInfo } from '../../src/index.js'
import { testEnvironment } from '../environment.js'

export interface SharingFixture extends Pick<TestWorld, 'defer' | 'peer'> {
  /** The authority that every client of the fixture trusts, PEM. */
  ca(): string
  issue: TestWorld['authority']['issue']
  /** Addresses by name, for every client of the fixture. */
  readonly lookup: StaticLookup
  client(options?: ClientOptions): Client
  /** A server whose certificate has these names; it responds with the requested authority. */
  serving(names: readonly string[], options?: OriginServerOptions): Promise<OriginServer>
  /** Sends a request, reads the response, and returns the connection. */
  get(client: Client, url: string, more?: object): Promise<ConnectionInfo & { status: number; text: string }>
  /** Waits until the condition holds: effects of a server appear with a delay. */
  until(condition: () => boolean): Promise<void>
}

/** Call once, at the top level of a test file. */
export function sharingFixture(table: Record<string, string | readonly string[]>): SharingFixture {
  const environment = testEnvironment()
  const lookup = staticLookup(table)
  beforeEach(() => {
    for (const name of Object.keys(lookup.table)) delete lookup.table[name]
    Object.assign(lookup.table, table)
    lookup.calls.length = 0
  })
  return {
    lookup,
    ca: () => environment.authority.ca,
    issue: (options) => environment.authority.issue(options),
    defer: (close) => environment.defer(close),
    peer: (script, options) => environment.peer(script, options),
    client: (options = {}) => environment.client({ lookup, ...options }),
    async serving(names, options = {}) {
      const tls = await environment.authority.issue({ names: [...names] })
      const handler: OriginServerOptions['handler'] = (request, response) => response.end(request.headers[':authority'])
      return environment.server({ tls, handler, ...options })
    },
    async get(client, url, options = {}) {
      const response = await client.request({ url, ...options })
      return { ...response.connection, status: response.status, text: await response.text() }
    },
    async until(condition) {
      // A failing test must not run forever: give up after this many turns.
      for (let turns = 0; !condition(); turns++) {
        if (turns === 200_000) throw new Error(`condition did not become true: ${condition}`)
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }
}
