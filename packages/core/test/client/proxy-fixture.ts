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
  /** A client that reaches every origin through `url`, and trusts the test authority. */
  through(url: string, options?: ClientOptions): Client
}

/** Call once, at the top level of a test file. */
export function proxyFixture(): ProxyWorld {
  const fixture = clientFixture()
  const proxy = async (options: TestProxyOptions = {}): Promise<TestProxy> => {
    const testProxy = await startTestProxy(options)
    fixture.defer(() => testProxy.close())
    return testProxy
  }
  const through = (url: string, options: ClientOptions = {}): Client =>
    fixture.client({ lookup: proxyNames(), proxy: { url, tls: { ca: fixture.authority.ca } }, ...options })
  return Object.defineProperties({ proxy, through } as never, Object.getOwnPropertyDescriptors(fixture)) as never
}

/** Resolves the proxy only: a lookup of an origin is a leak. */
export function proxyNames(): StaticLookup {
  return staticLookup({ 'proxy.test.example': '127.0.0.1' })
}

export function urlOf(origin: OriginServer, path = '/', host = 'a.test.example'): string {
  return `${origin.url(host)}${path}`
}

/** Receives a CONNECT and never responds. */
export function neverRespond(_tunnel: TunnelRequest, stream: Duplex): boolean {
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

/** Every part of an error that a log may contain, as one text. */
export function errorText(error: unknown): string {
  const parts: string[] = []
  for (let cause = error as Error | undefined; cause !== undefined; cause = cause.cause as Error | undefined) {
    parts.push(cause.message, cause.stack ?? '', JSON.stringify(cause, Object.getOwnPropertyNames(cause)))
  }
  return parts.join('\n')
}
