/** Real servers on loopback, names that lead there, and one line for a request and the connection that carried it. */

import { type OriginServer, type OriginServerOptions, type StaticLookup, staticLookup, type TestWorld } from '@unshard/testkit'
import type { Client, ClientOptions, ConnectionInfo } from '../../src/index.js'
import { rig } from '../rig.js'

export interface SharingRig extends Pick<TestWorld, 'defer' | 'peer'> {
  /** The authority that every client of the rig trusts, PEM. */
  ca(): string
  issue: TestWorld['authority']['issue']
  /** Names to addresses, for every client of the rig. */
  readonly lookup: StaticLookup
  client(options?: ClientOptions): Client
  /** A server whose certificate has these names; it answers with the authority that it was asked for. */
  serving(names: readonly string[], options?: OriginServerOptions): Promise<OriginServer>
  /** Sends, reads, and says which connection it was. */
  get(client: Client, url: string, more?: object): Promise<ConnectionInfo & { status: number; text: string }>
  /** Whether that is so, sooner or later: what servers do is seen when they have done it. */
  until(condition: () => boolean): Promise<void>
}

/** Call once, at the top level of a test file. */
export function sharingRig(table: Record<string, string | readonly string[]>): SharingRig {
  const world = rig()
  const lookup = staticLookup(table)
  beforeEach(() => {
    for (const name of Object.keys(lookup.table)) delete lookup.table[name]
    Object.assign(lookup.table, table)
    lookup.calls.length = 0
  })
  return {
    lookup,
    ca: () => world.authority.ca,
    issue: (options) => world.authority.issue(options),
    defer: (close) => world.defer(close),
    peer: (script, options) => world.peer(script, options),
    client: (options = {}) => world.client({ lookup, ...options }),
    async serving(names, options = {}) {
      const tls = await world.authority.issue({ names: [...names] })
      const handler: OriginServerOptions['handler'] = (request, response) => response.end(request.headers[':authority'])
      return world.server({ tls, handler, ...options })
    },
    async get(client, url, options = {}) {
      const response = await client.request({ url, ...options })
      return { ...response.connection, status: response.status, text: await response.text() }
    },
    async until(condition) {
      // A test that has failed must not go on for ever: what is not so after as many turns will not be.
      for (let turns = 0; !condition(); turns++) {
        if (turns === 200_000) throw new Error(`it never came about: ${condition}`)
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }
}
