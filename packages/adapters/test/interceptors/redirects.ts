/** Two servers that redirect: from `a` to `b`, and from there back to `a`. */

import type { ClientOptions, Interceptor } from '@unshard/core'
import type { OriginServer, TestWorld } from '@unshard/testkit'
import type { Fetch } from '../../src/index.js'

interface Environment {
  readonly server: TestWorld['server']
  fetch(options?: ClientOptions): Fetch
}

/** Follows `/start` at `a`, `/foreign` at `b`, and `/back` at `a`; returns the `authorization` that each received. */
export async function authorizations(
  { server, fetch }: Environment,
  interceptorFor: (origin: string) => Interceptor,
): Promise<Record<string, string | undefined>> {
  const seen: Record<string, string | undefined> = {}
  let foreign: OriginServer
  const home = await server({
    handler(request, response) {
      const url = request.url!
      seen[url] = request.headers.authorization
      if (url === '/start') response.writeHead(302, { location: `https://b.test.example:${foreign.port}/foreign` })
      response.end()
    },
  })
  foreign = await server({
    handler(request, response) {
      seen[request.url!] = request.headers.authorization
      response.writeHead(307, { location: `https://a.test.example:${home.port}/back` }).end()
    },
  })
  const origin = `https://a.test.example:${home.port}`
  const response = await fetch({ interceptors: [interceptorFor(origin)] })(`${origin}/start`)
  await response.text()
  return seen
}
