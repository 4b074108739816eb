/** What the tests of the whole share: an authority, servers, clients, closed after each test. */

import { type Authority, createAuthority } from '@unshard/testkit'
import { type Client, type ClientOptions, createClient } from '../src/index.js'

/** A test file's world. Call once at the top level. */
export function rig(): {
  readonly authority: Authority
  client(options?: ClientOptions): Client
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
  return {
    get authority() {
      return authority
    },
    defer: (close) => void closers.push(close),
    client(options = {}) {
      const client = createClient({ tls: { ca: authority.ca }, ...options })
      closers.push(() => client.destroy())
      return client
    },
  }
}
