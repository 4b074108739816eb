/** A server with the part of the API of Stripe that the checks and the guide use. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { contentOf, cutOff, everyOther, formOf, json, later, UPLOAD } from './answers.js'

/** Returns the handler of one server: every other request of some customers fails. */
export function stripeServer() {
  const failsNow = everyOther()
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.setHeader('request-id', 'r1')
    const { pathname, searchParams } = new URL(request.url!, 'https://a.test.example')
    if (pathname === '/v1/files') return json(response, { id: Object.values(await formOf(request)).join(' ') })
    if (pathname.endsWith('/pdf')) return void response.writeHead(200, { 'content-type': 'application/pdf' }).end(UPLOAD)
    if (pathname === '/v1/charges') {
      return json(response, { error: { type: 'card_error', code: 'card_declined', message: 'Your card was declined.' } }, 402)
    }
    if (pathname === '/v1/customers' && request.method === 'GET') return json(response, page(searchParams.get('starting_after')))
    if (pathname === '/v1/customers') {
      const form = new URLSearchParams(String(await contentOf(request)))
      return json(response, { id: 'c1', object: 'customer', name: form.get('name') })
    }
    const id = pathname.split('/').at(-1)!
    if (id === 'missing') return json(response, { error: { type: 'invalid_request_error', message: 'No such customer' } }, 404)
    if (id === 'text') return void response.writeHead(502, { 'content-type': 'text/plain' }).end('bad gateway')
    if (id === 'failing' && failsNow(id)) return later(response, 500)
    if (id === 'limited' && failsNow(id)) {
      response.setHeader('stripe-should-retry', 'true')
      return later(response, 429)
    }
    if (id === 'silent') return
    if (id === 'cut') {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"id":')
      return cutOff(response)
    }
    json(response, { id, object: 'customer' })
  }
}

function page(after: string | null): object {
  const data = after === null ? [{ id: 'c1' }, { id: 'c2' }] : [{ id: 'c3' }]
  return { object: 'list', url: '/v1/customers', has_more: after === null, data }
}
