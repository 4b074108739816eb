/**
 * Node's own `fetch` over our dispatcher: the cost of the platform's layers above our connections.
 */

import { always, check, type Library } from '../competitor.js'

export const builtInOverUnshard: Library = {
  name: 'built-in fetch over unshard',
  protocol: 'h2',
  available: always,
  async start(target) {
    const { Dispatcher } = await import('unshard')
    const dispatcher = new Dispatcher({ tls: { ca: target.ca } })
    const url = target.origin + target.path
    // Cast: in the types of Node every dispatcher has undici's functions as methods.
    const init = { dispatcher } as object
    return {
      async once() {
        const response = await fetch(url, init)
        check(target, response.status, await response.text())
      },
      close: () => dispatcher.close(),
    }
  },
}
