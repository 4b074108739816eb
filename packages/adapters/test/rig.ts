/** What the adapters' tests share: servers and a client that are closed after each test. */

import { Client, type ClientOptions } from '@unshard/core'
import {
  type Authority,
  createAuthority,
  type OriginServer,
  type OriginServerOptions,
  type Script,
  type ScriptedPeer,
  startOriginServer,
  startScriptedPeer,
  staticLookup,
} from '@unshard/testkit'
import { createFetch, type Fetch } from '../src/index.js'

/** A test file's world. Call once at the top level. */
export function rig(): {
  server(options?: OriginServerOptions): Promise<OriginServer>
  peer(script: Script): Promise<ScriptedPeer>
  client(options?: ClientOptions): Client
  fetch(options?: ClientOptions): Fetch
} {
  let authority: Authority
  const closers: (() => unknown)[] = []
  beforeAll(async () => {
    authority = await createAuthority()
  })
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })
  const client = (options: ClientOptions = {}): Client => {
    const lookup = staticLookup({ 'a.test.example': '127.0.0.1', 'b.test.example': '127.0.0.1' })
    const made = new Client({ tls: { ca: authority.ca }, lookup, ...options })
    closers.push(() => made.destroy())
    return made
  }
  return {
    async server(options = {}) {
      const tls = await authority.issue({ names: ['*.test.example'] })
      const server = await startOriginServer({ tls, ...options })
      closers.push(() => server.close())
      return server
    },
    async peer(script) {
      const tls = await authority.issue({ names: ['*.test.example'] })
      const started = await startScriptedPeer(script, { tls })
      closers.push(() => started.close())
      return started
    },
    client,
    fetch: (options) => createFetch(client(options)),
  }
}
