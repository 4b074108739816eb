/** Ours: `client.request` and `text()`, with everything a client does by default. */

import { always, check, type Library } from '../competitor.js'

export const unshardRequest: Library = {
  name: 'unshard client.request',
  protocol: 'h2',
  available: always,
  async start(target) {
    const { createClient } = await import('unshard')
    const client = createClient({ tls: { ca: target.ca } })
    const url = target.origin + target.path
    return {
      async once() {
        const response = await client.request({ method: 'GET', url })
        check(target, response.status, await response.text())
      },
      close: () => client.close(),
    }
  },
}
