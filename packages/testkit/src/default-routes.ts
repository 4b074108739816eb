// Default routes of an origin server: the same paths and bytes over HTTP/2 and HTTP/1.1. Node's
// compatibility API serves both, so this file never causes a difference between two responses.
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { constants, type ServerHttp2Stream } from 'node:http2'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'

/**
 * Request of a handler: over HTTP/2 the compatibility object, which is similar and has a `stream`
 * too.
 */
export type OriginRequest = IncomingMessage & { readonly stream?: ServerHttp2Stream }
export type OriginResponse = ServerResponse & { readonly stream?: ServerHttp2Stream }
export type OriginHandler = (request: OriginRequest, response: OriginResponse) => void

/** Decoded text of /gzip, /deflate and /br. */
export const COMPRESSED_TEXT: string = 'unsharded '.repeat(400)

/** Content of /bytes/N: a pattern that reveals lost, duplicated or swapped pieces. */
export function patternBytes(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let at = 0; at < length; at++) bytes[at] = at % 251
  return bytes
}

/** Returns the authority of a request: `:authority`, else `host`. */
export function authorityOf(request: OriginRequest): string {
  const authority = request.headers[':authority'] ?? request.headers.host ?? ''
  return String(authority)
}

type Route = (exchange: { request: OriginRequest; response: OriginResponse; url: URL; argument: string }) => void

export interface DefaultRoutes {
  readonly handler: OriginHandler
  /** Releases all held /slow responses. */
  release(): void
}

export function createDefaultRoutes(): DefaultRoutes {
  const held = new Set<() => void>()
  const routes: Record<string, Route> = {
    ...fixedRoutes,
    slow: ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/plain' })
      response.flushHeaders()
      held.add(() => response.end('released'))
    },
  }
  return {
    handler(request, response) {
      const url = new URL(request.url ?? '/', 'http://origin')
      const [, name = '', argument = ''] = url.pathname.split('/')
      const route = Object.hasOwn(routes, name) ? routes[name] : undefined
      if (route === undefined) text(response, 404, `no route ${url.pathname}`)
      else route({ request, response, url, argument })
    },
    release() {
      for (const finish of held) finish()
      held.clear()
    },
  }
}

const fixedRoutes: Record<string, Route> = {
  '': ({ request, response }) => text(response, 200, `hello from ${authorityOf(request)}`),

  json: ({ response }) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ message: 'hello', list: [1, 2, 3] }))
  },

  bytes: ({ response, argument }) => {
    const body = patternBytes(Number(argument))
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': body.length })
    response.end(body)
  },

  echo: ({ request, response }) => {
    response.writeHead(200, { 'content-type': request.headers['content-type'] ?? 'application/octet-stream' })
    request.pipe(response)
  },

  inspect: ({ request, response }) => {
    const hash = createHash('sha256')
    let length = 0
    request.on('data', (chunk: Buffer) => {
      hash.update(chunk)
      length += chunk.length
    })
    request.on('end', () => {
      const { method, url: path, headers } = request
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(
        JSON.stringify({ method, authority: authorityOf(request), path, headers, body: { length, sha256: hash.digest('hex') } }),
      )
    })
  },

  status: ({ response, argument }) => {
    const status = Number(argument)
    if (status === 204 || status === 304) response.writeHead(status).end()
    else text(response, status, `status ${status}`)
  },

  headers: ({ response }) => {
    for (let index = 1; index <= 30; index++) response.setHeader(`x-field-${index}`, `value ${index}`)
    text(response, 200, '30 fields')
  },

  'set-cookie': ({ response }) => {
    response.setHeader('set-cookie', ['a=1; Path=/', 'b=2; Path=/; HttpOnly'])
    text(response, 200, 'two cookies')
  },

  trailers: ({ response }) => {
    const body = 'followed by trailers'
    response.writeHead(200, { 'content-type': 'text/plain', trailer: 'x-checksum' })
    response.write(body)
    response.addTrailers({ 'x-checksum': createHash('sha256').update(body).digest('hex') })
    response.end()
  },

  'early-hints': ({ response }) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' })
    text(response, 200, 'after early hints')
  },

  gzip: ({ response }) => compressed(response, 'gzip', gzipSync(COMPRESSED_TEXT)),
  deflate: ({ response }) => compressed(response, 'deflate', deflateSync(COMPRESSED_TEXT)),
  br: ({ response }) => compressed(response, 'br', brotliCompressSync(COMPRESSED_TEXT)),

  redirect: ({ response, url, argument }) => {
    response.setHeader('location', url.searchParams.get('to') ?? '/')
    text(response, Number(argument) || 302, 'elsewhere')
  },

  never: ({ request }) => void request.resume(),

  reset: ({ request, response }) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': 100 })
    response.write(patternBytes(10), () => {
      if (response.stream === undefined) request.socket.destroy()
      else response.stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    })
  },

  misdirected: ({ response }) => text(response, 421, 'misdirected'),
}

function text(response: OriginResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' })
  response.end(body)
}

function compressed(response: OriginResponse, coding: string, body: Buffer): void {
  response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': coding })
  response.end(body)
}
