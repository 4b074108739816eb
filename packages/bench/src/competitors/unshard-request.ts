/** unshard's `client.request` with default options. */

import { always, check, type Library, type Session, type Target } from '../competitor.js'
import { contentOf, readerOf } from './reading.js'

export const unshardRequest: Library = {
  name: 'unshard client.request',
  protocol: 'h2',
  available: always,
  start: (target) => open(target, {}),
}

/**
 * unshard against a server without HTTP/2: a client that does not offer HTTP/2 to a server that
 * supports it.
 */
export const unshardRequestH1: Library = {
  name: 'unshard client.request h1',
  protocol: 'http/1.1',
  available: always,
  start: (target) => open(target, { protocols: ['http/1.1'], maxConnectionsPerOrigin: 50 }),
}

async function open(target: Target, options: object): Promise<Session> {
  const { createClient } = await import('unshard')
  const client = createClient({ tls: { ca: target.ca }, ...options })
  const url = target.origin + target.path
  const body = contentOf(target)
  const read = readerOf(target)
  const post = body && { method: 'POST', url, body, headers: { 'content-type': target.upload!.type } }
  return {
    async once() {
      const response = await client.request(post ?? { method: 'GET', url })
      check(target, response.status, await read(response, () => response.body))
    },
    close: () => client.close(),
  }
}
