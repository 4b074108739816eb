/** undici's own `fetch` over one HTTP/2 connection. */

import { always, check, type Library } from '../competitor.js'

export const undiciFetchH2: Library = {
  name: 'undici fetch h2',
  protocol: 'h2',
  available: always,
  async start(target) {
    const { Client, fetch } = await import('undici')
    const { inFlight } = target
    const dispatcher = new Client(target.origin, {
      allowH2: true,
      connect: { ca: target.ca },
      maxConcurrentStreams: inFlight,
      pipelining: inFlight,
    })
    const url = target.origin + target.path
    return {
      async once() {
        const response = await fetch(url, { dispatcher })
        check(target, response.status, await response.text())
      },
      close: () => dispatcher.close(),
    }
  },
}
