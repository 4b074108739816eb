/**
 * Competitors of the cold start, each used as its documentation shows, with the best HTTP/2 setup.
 * Libraries are loaded in `start`.
 */

import dns from 'node:dns'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { collect } from '../competitors/collect.js'
import { lookupHere, type Place, TEXT } from './task.js'

export interface ColdClient {
  /**
   * Sends one request and reads its response. @throws the error, including one for a wrong
   * response.
   */
  get(url: string): Promise<void>
  close(): unknown
}

export interface ColdCompetitor {
  readonly name: string
  readonly place: Place
  /** True, or the reason why it cannot run here. */
  available(): true | string
  start(ca: string): Promise<ColdClient>
}

const always = (): true => true

function check(status: number | undefined, text: string): void {
  if (status !== 200 || text !== TEXT)
    throw new Error(`expected 200 ${JSON.stringify(TEXT)}, got ${status} ${JSON.stringify(text)}`)
}

function unshardRequest(name: string, place: Place): ColdCompetitor {
  return {
    name,
    place,
    available: always,
    async start(ca) {
      const { createClient } = await import('unshard')
      const client = createClient({ tls: { ca }, lookup: lookupHere })
      return {
        async get(url) {
          const response = await client.request({ method: 'GET', url })
          check(response.status, await response.text())
        },
        close: () => client.close(),
      }
    },
  }
}

export const OURS = 'unshard client.request'
export const OUR_FETCH = 'unshard fetch'

const unshardFetch: ColdCompetitor = {
  name: OUR_FETCH,
  place: 'h2',
  available: always,
  async start(ca) {
    const { createClient, createFetch } = await import('unshard')
    const client = createClient({ tls: { ca }, lookup: lookupHere })
    const fetch = createFetch(client)
    return {
      async get(url) {
        const response = await fetch(url)
        check(response.status, await response.text())
      },
      close: () => client.close(),
    }
  },
}

const UNDICI_8 = 'undici-8'

function undici(name: string, library: string, h2: boolean): ColdCompetitor {
  return {
    name,
    place: h2 ? 'h2' : 'http/1.1',
    available: () => library === 'undici' || isInstalled(library) || 'it is not installed: it requires Node.js 22.19',
    async start(ca) {
      // Not a literal: if undici 8 is not installed it has no types.
      const { Agent } = (await import(library)) as typeof import('undici')
      // Its best HTTP/2 setup: one connection per origin with all its requests at once. Its
      // defaults open 200.
      const agent = new Agent({
        connect: { ca, lookup: lookupHere },
        ...(h2 ? { allowH2: true, connections: 1, pipelining: 100, maxConcurrentStreams: 100 } : { allowH2: false }),
      })
      return {
        async get(url) {
          const { origin, pathname } = new URL(url)
          const { statusCode, body } = await agent.request({ origin, path: pathname, method: 'GET' })
          check(statusCode, await body.text())
        },
        close: () => agent.close(),
      }
    },
  }
}

function isInstalled(library: string): boolean {
  try {
    createRequire(import.meta.url).resolve(library)
    return true
  } catch {
    return false
  }
}

const got: ColdCompetitor = {
  name: 'got http2',
  place: 'h2',
  available: always,
  async start(ca) {
    const { got } = await import('got')
    const own = got.extend({
      http2: true,
      dnsLookup: lookupHere as never,
      https: { certificateAuthority: ca },
      retry: { limit: 0 },
    })
    return {
      async get(url) {
        const response = await own(url)
        check(response.statusCode, response.body)
      },
      close: () => undefined,
    }
  },
}

const http2Wrapper: ColdCompetitor = {
  name: 'http2-wrapper',
  place: 'h2',
  available: always,
  async start(ca) {
    const { default: http2 } = await import('http2-wrapper')
    const agent = new http2.Agent()
    return {
      get: (url) =>
        new Promise((resolve, reject) => {
          const options = { agent, ca, lookup: lookupHere }
          const request = http2.request(url, options as never, (response) => {
            collectInto(response, () => response.statusCode, resolve, reject)
          })
          request.on('error', reject)
          request.end()
        }),
      close: () => agent.destroy(),
    }
  },
}

const nodeHttp2: ColdCompetitor = {
  name: 'node:http2',
  place: 'h2',
  available: always,
  async start(ca) {
    const http2 = await import('node:http2')
    const connections = new Map<string, import('node:http2').ClientHttp2Session>()
    return {
      get: (url) =>
        new Promise((resolve, reject) => {
          const { origin, pathname } = new URL(url)
          let connection = connections.get(origin)
          if (connection === undefined) {
            connection = http2.connect(origin, { ca, lookup: lookupHere })
            connections.set(origin, connection.on('error', reject))
          }
          const stream = connection.request({ ':path': pathname })
          let status: number | undefined
          stream.on('response', (headers) => {
            status = headers[':status']
          })
          collectInto(stream, () => status, resolve, reject)
        }),
      close() {
        for (const connection of connections.values()) connection.close()
      },
    }
  },
}

const builtInFetch: ColdCompetitor = {
  name: 'built-in fetch',
  place: 'http/1.1',
  available: always,
  start() {
    // It has no options for a resolver and an authority: replace `dns.lookup`, and use
    // NODE_EXTRA_CA_CERTS.
    dns.lookup = lookupHere as typeof dns.lookup
    syncBuiltinESMExports()
    return Promise.resolve({
      async get(url: string) {
        const response = await fetch(url)
        check(response.status, await response.text())
      },
      close: () => undefined,
    })
  },
}

function collectInto(
  answer: Parameters<typeof collect>[0],
  status: () => number | undefined,
  resolve: () => void,
  reject: (error: Error) => void,
): void {
  collect(answer, { text: TEXT }, status, (error) => (error === undefined ? resolve() : reject(error)))
}

/** In order of their turns. */
export const competitors: readonly ColdCompetitor[] = [
  unshardRequest(OURS, 'h2'),
  unshardFetch,
  unshardRequest(`${OURS}, 100 streams`, 'h2-100'),
  unshardRequest(`${OURS}, 128 streams`, 'h2-128'),
  nodeHttp2,
  http2Wrapper,
  got,
  undici('undici 7 h2', 'undici', true),
  undici('undici 7 h1', 'undici', false),
  undici('undici 8 h2', UNDICI_8, true),
  undici('undici 8 h1', UNDICI_8, false),
  builtInFetch,
]
