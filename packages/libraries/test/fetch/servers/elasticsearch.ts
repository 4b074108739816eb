/** A server with the part of the API of Elasticsearch that the checks and the guide use. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { contentOf, cutOff, everyOther, UPLOAD } from './answers.js'

/** Returns the handler of one server: every other search of `failing` fails. */
export function elasticServer() {
  const failsNow = everyOther()
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.setHeader('x-elastic-product', 'Elasticsearch')
    const { pathname } = new URL(request.url!, 'https://a.test.example')
    const [, index, kind, id] = pathname.split('/')
    const json = (value: unknown, status = 200): void => {
      response.writeHead(status, { 'content-type': String(request.headers.accept).split(',')[0] }).end(JSON.stringify(value))
    }
    if (index === 'silent') return
    if (index === 'missing')
      return json({ error: { type: 'index_not_found_exception', reason: 'no such index' }, status: 404 }, 404)
    if (index === 'text') return void response.writeHead(502, { 'content-type': 'text/plain' }).end('bad gateway')
    if (index === 'failing' && failsNow(index)) return json({}, 503)
    if (index === 'large') return void response.writeHead(200, { 'content-type': 'application/json' }).end(UPLOAD)
    if (index === 'cut') {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"hits":')
      return cutOff(response)
    }
    if (request.method === 'HEAD') return void response.writeHead(id === 'missing' ? 404 : 200).end()
    const raw = await contentOf(request)
    const content = String(request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw)
    if (pathname === '/_bulk')
      return json({
        errors: false,
        items: content
          .trim()
          .split('\n')
          .filter((_, i) => i % 2 === 1)
          .map(() => ({ index: { status: 201 } })),
      })
    if (kind === '_doc') return json({ result: content.includes('title') ? 'created' : 'lost' }, 201)
    json({ hits: { total: { value: 1 }, hits: [{ _id: '1', _source: { title: 'Über uns' } }] } })
  }
}
