/** The fixture of tests with proxies: names of proxies resolve, names of origins do not. */

import type { Duplex } from 'node:stream'
import {
  type OriginServer,
  type StaticLookup,
  startTestProxy,
  staticLookup,
  type TestProxy,
  type TestProxyOptions,
  type TestWorld,
  type TunnelRequest,
} from '@unshard/testkit'
import type { Client, ClientOptions } from '../../src/index.js'
import { clientFixture } from './fixture.js'

export interface ProxyWorld extends TestWorld {
  client(options?: ClientOptions): Client
  proxy(options?: TestProxyOptions): Promise<TestProxy>
  /** A client that reaches every origin through that proxy, and trusts the test's authority for it as well. */
  through(url: string, options?: ClientOptions): Client
}

/** Call once, at the top level of a test file. */
export function proxyFixture(): ProxyWorld {
  const world = clientFixture()
  const proxy = async (options: TestProxyOptions = {}): Promise<TestProxy> => {
    const started = await startTestProxy(options)
    world.defer(() => started.close())
    return started
  }
  const through = (url: string, options: ClientOptions = {}): Client =>
    world.client({ lookup: proxyNames(), proxy: { url, tls: { ca: world.authority.ca } }, ...options })
  return Object.defineProperties({ proxy, through } as never, Object.getOwnPropertyDescriptors(world)) as never
}

/** Resolves the proxy only: a lookup of an origin is a leak. */
export function proxyNames(): StaticLookup {
  return staticLookup({ 'proxy.test.example': '127.0.0.1' })
}

export function urlOf(origin: OriginServer, path = '/', host = 'a.test.example'): string {
  return `${origin.url(host)}${path}`
}

/** Receives a CONNECT, and never answers. */
export function silence(_tunnel: TunnelRequest, stream: Duplex): boolean {
  stream.resume().once('end', () => stream.end())
  return true
}

/** Returns the reason that a promise rejects with. */
export function failureOf(promise: Promise<unknown>): Promise<Error | undefined> {
  return promise.then(
    () => undefined,
    (reason: Error) => reason,
  )
}

/** Every part of an error that a log may contain. */
export function told(error: unknown): string {
  const seen: string[] = []
  for (let each = error as Error | undefined; each !== undefined; each = each.cause as Error | undefined) {
    seen.push(each.message, each.stack ?? '', JSON.stringify(each, Object.getOwnPropertyNames(each)))
  }
  return seen.join('\n')
}
