/** A server for libraries that are HTTP clients themselves. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { contentOf, cutOff, digest, everyOther, formOf, json, UPLOAD } from './answers.js'

/** Returns the handler of one server: every other request of `/failing` and `/limited` fails. */
export function plainServer() {
  const failsNow = everyOther()
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, search } = new URL(request.url!, 'https://a.test.example')
    response.setHeader('x-request-id', 'r1')
    if (pathname === '/echo') return json(response, { method: request.method, search, body: String(await contentOf(request)) })
    if (pathname === '/upload') return json(response, { content: digest(await contentOf(request)) })
    if (pathname === '/form') return json(response, await formOf(request))
    if (pathname === '/related') return json(response, { parts: partsOf(request, String(await contentOf(request))) })
    if (pathname === '/large') return void response.end(UPLOAD)
    if (pathname === '/missing') return json(response, { error: { message: 'nothing here' } }, 404)
    if (pathname === '/moved') return void response.writeHead(302, { location: '/users' }).end()
    if (pathname === '/failing' && failsNow(pathname)) return json(response, {}, 503)
    if (pathname === '/silent') return
    if (pathname === '/headers') return void response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
    if (pathname === '/cut') {
      response.writeHead(200, { 'content-type': 'application/json' }).write('["Ada",')
      return cutOff(response)
    }
    json(response, ['Ada', 'Grace', 'Joan'])
  }
}

/** Returns the contents of the parts of `multipart/related`. */
function partsOf(request: IncomingMessage, text: string): string[] {
  const boundary = /boundary="?([^";]+)/.exec(request.headers['content-type'] ?? '')![1]!
  return text
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => part.split('\r\n\r\n')[1]!.trim())
}
