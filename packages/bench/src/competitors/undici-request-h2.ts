/** undici `request` over one HTTP/2 connection. `pipelining` is what bounds its requests in flight: the default is one. */

import { always, check, type Library } from '../competitor.js'

export const undiciRequestH2: Library = {
  name: 'undici request h2',
  protocol: 'h2',
  available: always,
  async start(target) {
    const { Client } = await import('undici')
    const { inFlight, path } = target
    const client = new Client(target.origin, {
      allowH2: true,
      connect: { ca: target.ca },
      maxConcurrentStreams: inFlight,
      pipelining: inFlight,
    })
    return {
      async once() {
        const { statusCode, body } = await client.request({ method: 'GET', path })
        check(target, statusCode, await body.text())
      },
      close: () => client.close(),
    }
  },
}
