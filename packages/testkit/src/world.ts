/// <reference types="jest" />
// The environment of a test file: an authority, servers with its certificates, and cleanup after
// each test. Uses jest's globals where it is called; imports nothing from jest.

import { type Authority, type Credentials, createAuthority } from './certificates.js'
import { type OriginServer, type OriginServerOptions, startOriginServer } from './origin-server.js'
import { type Script, type ScriptedPeer, type ScriptedPeerOptions, startScriptedPeer } from './scripted-peer.js'

/** The environment of a test file. */
export interface TestWorld {
  readonly authority: Authority
  /** Issues a certificate for these names; `*.test.example` by default. */
  tls(...names: string[]): Promise<Credentials>
  /** Starts a server with a certificate for `*.test.example`, unless `options` override it. */
  server(options?: OriginServerOptions): Promise<OriginServer>
  /** Starts a scripted peer with such a certificate. */
  peer(script: Script, options?: ScriptedPeerOptions): Promise<ScriptedPeer>
  /** Calls `close` after the test, in reverse order. */
  defer(close: () => unknown): void
}

/** Creates the environment of a test file. Call once, at the top level. */
export function testWorld(): TestWorld {
  let authority: Authority
  const closers: (() => unknown)[] = []
  beforeAll(async () => {
    authority = await createAuthority()
  })
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })
  const tls = (...names: string[]): Promise<Credentials> =>
    authority.issue({ names: names.length === 0 ? ['*.test.example'] : names })
  const closing = <T extends { close(): Promise<void> }>(started: T): T => {
    closers.push(() => started.close())
    return started
  }
  return {
    get authority() {
      return authority
    },
    tls,
    defer: (close) => void closers.push(close),
    server: async (options = {}) => closing(await startOriginServer({ tls: await tls(), ...options })),
    peer: async (script, options = {}) => closing(await startScriptedPeer(script, { tls: await tls(), ...options })),
  }
}
