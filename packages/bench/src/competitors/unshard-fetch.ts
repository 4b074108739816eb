/** Ours: `fetch` and `text()`, answers that are `instanceof Response`. */

import { always, check, type Library } from '../competitor.js'

export const unshardFetch: Library = {
  name: 'unshard fetch',
  protocol: 'h2',
  available: always,
  async start(target) {
    const { createClient, createFetch } = await import('unshard')
    const client = createClient({ tls: { ca: target.ca } })
    const fetch = createFetch(client)
    const url = target.origin + target.path
    return {
      async once() {
        const response = await fetch(url)
        check(target, response.status, await response.text())
      },
      close: () => client.close(),
    }
  },
}
