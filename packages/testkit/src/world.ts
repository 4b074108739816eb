/// <reference types="jest" />
// What a test file works in: an authority, servers with its certificates, and everything closed after each test.
// Uses jest's globals where it is called; imports nothing of jest itself.

import { type Authority, type Credentials, createAuthority } from './certificates.js'
import { type OriginServer, type OriginServerOptions, startOriginServer } from './origin-server.js'
import { type Script, type ScriptedPeer, type ScriptedPeerOptions, startScriptedPeer } from './scripted-peer.js'

/** A test file's world. */
export interface TestWorld {
  readonly authority: Authority
  /** A certificate for these names; `*.test.example` when none is given. */
  tls(...names: string[]): Promise<Credentials>
  /** A server with a certificate for `*.test.example`, unless `options` say otherwise. */
  server(options?: OriginServerOptions): Promise<OriginServer>
  /** A scripted peer with such a certificate. */
  peer(script: Script, options?: ScriptedPeerOptions): Promise<ScriptedPeer>
  /** Closed after the test, last first. */
  defer(close: () => unknown): void
}

/** Makes the world of a test file. Call once, at the top level. */
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
