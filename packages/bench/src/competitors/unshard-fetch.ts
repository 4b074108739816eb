/** unshard's `fetch`, whose responses pass `instanceof Response`. */

import { always, type Library } from '../competitor.js'
import { type FetchAnswer, fetchSession } from './fetches.js'

export const unshardFetch: Library = {
  name: 'unshard fetch',
  protocol: 'h2',
  available: always,
  async start(target) {
    const { createClient, createFetch } = await import('unshard')
    const client = createClient({ tls: { ca: target.ca } })
    const fetch = createFetch(client)
    const send = (url: string, init?: object): Promise<FetchAnswer> => (init === undefined ? fetch(url) : fetch(url, init))
    return fetchSession(target, send, () => client.close())
  },
}
