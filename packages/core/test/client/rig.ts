/** What the client's tests share: an authority for the file, servers and clients that are closed after each test. */

import {
  type Authority,
  createAuthority,
  type OriginServer,
  type OriginServerOptions,
  startOriginServer,
  staticLookup,
} from '@unshard/testkit'
import { Client, type ClientOptions } from '../../src/index.js'

/** A test file's world. Call once at the top level. */
export function rig(): {
  readonly authority: Authority
  tls(...names: string[]): Promise<{ cert: string; key: string }>
  server(options?: OriginServerOptions): Promise<OriginServer>
  client(options?: ClientOptions): Client
  /** Closed after the test, last first. */
  defer(close: () => unknown): void
} {
  let authority: Authority
  const closers: (() => unknown)[] = []
  beforeAll(async () => {
    authority = await createAuthority()
  })
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })
  const tls = (...names: string[]): Promise<{ cert: string; key: string }> =>
    authority.issue({ names: names.length === 0 ? ['*.test.example'] : names })
  const defer = (close: () => unknown): void => void closers.push(close)
  return {
    get authority() {
      return authority
    },
    tls,
    defer,
    async server(options = {}) {
      const server = await startOriginServer({ tls: await tls(), ...options })
      defer(() => server.close())
      return server
    },
    client(options = {}) {
      const names = Object.fromEntries([...'abcdefgh'].map((letter) => [`${letter}.test.example`, '127.0.0.1']))
      const client = new Client({ tls: { ca: authority.ca }, lookup: staticLookup(names), ...options })
      defer(() => client.destroy())
      return client
    },
  }
}
