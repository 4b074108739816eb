/** Node's own `fetch` over our dispatcher: what remains when the connections are ours and everything above them is the platform's. */

import { always, check, type Library } from '../competitor.js'

export const builtInOverUnshard: Library = {
  name: 'built-in fetch over unshard',
  protocol: 'h2',
  available: always,
  async start(target) {
    const { Dispatcher } = await import('unshard')
    const dispatcher = new Dispatcher({ tls: { ca: target.ca } })
    const url = target.origin + target.path
    // Not a member that the types of Node know of every dispatcher: theirs has undici's functions as methods.
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
