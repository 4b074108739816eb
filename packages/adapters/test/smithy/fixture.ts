/** Requests of Smithy clients, and a handler for them, over both protocols. */

import { coalescing } from '@unshard/coalescing'
import type { Client, ClientOptions } from '@unshard/core'
import type { OriginHandler, OriginServer, TestWorld } from '@unshard/testkit'
import { type RequestHandler, type RequestHandlerOptions, requestHandler, type SmithyRequest } from '../../src/smithy/index.js'
import { testEnvironment } from '../environment.js'

/** Connections of a request, in the form of `describe.each`: of its own host, or opened for another host. */
export const CONNECTIONS = [['HTTP/2'], ['HTTP/1.1'], ['a shared connection']] as const
export type ConnectionKind = (typeof CONNECTIONS)[number][0]

/** A server of one protocol, a client and a handler over it. */
export interface Setup {
  readonly server: OriginServer
  readonly client: Client
  readonly handler: RequestHandler
  /** A request to the server. */
  request(changes?: Partial<SmithyRequest>): SmithyRequest
}

/** Call once, at the top level of a test file. */
export function smithyFixture(): Pick<TestWorld, 'peer'> & {
  client(options?: ClientOptions): Client
  setup(kind: ConnectionKind, handler?: OriginHandler, options?: RequestHandlerOptions): Promise<Setup>
} {
  const { server, peer, client } = testEnvironment()
  return {
    peer,
    client,
    async setup(kind, handler, options) {
      const started = await server({ protocols: [kind === 'HTTP/1.1' ? 'http/1.1' : 'h2'], ...(handler && { handler }) })
      const own = client({ reuse: coalescing() })
      if (kind === 'a shared connection') await own.warm([started.url('b.test.example')])
      return {
        server: started,
        client: own,
        handler: requestHandler(own, options),
        request: (changes) => requestTo(started.port, changes),
      }
    },
  }
}

/** A request as the SDK makes it. */
export function requestTo(port: number, changes: Partial<SmithyRequest> = {}): SmithyRequest {
  const { hostname = 'a.test.example', headers, ...rest } = changes
  return {
    method: 'GET',
    protocol: 'https:',
    hostname,
    port,
    path: '/',
    query: {},
    ...rest,
    headers: { host: `${hostname}:${port}`, ...headers },
  }
}

/** Reads a stream as text. */
export async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of body) parts.push(part)
  return Buffer.concat(parts).toString()
}
