/** http2-wrapper: the API of node:https over one HTTP/2 session. */

import { once as event } from 'node:events'
import { type Library, OWN_SERVER } from '../competitor.js'
import { collect } from './collect.js'

// CVE-2023-44487: Node's server accepts 1,000 resets at once and 33 per second, then sends
// GOAWAY(INTERNAL_ERROR). nghttpd 1.52 has no such limit.
const RESETS = 'it resets completed streams (RST_STREAM NO_ERROR), and after 1,000 resets a Node server closes the connection'

export const http2Wrapper: Library = {
  name: 'http2-wrapper',
  protocol: 'h2',
  available: (server) => server !== OWN_SERVER || RESETS,
  async start(target) {
    const { default: http2 } = await import('http2-wrapper')
    const h2session = http2.connect(target.origin, { ca: target.ca })
    await event(h2session, 'connect')
    const url = target.origin + target.path
    return {
      once: () =>
        new Promise((resolve, reject) => {
          const request = http2.request(url, { h2session }, (response) => {
            collect(
              response,
              target,
              () => response.statusCode,
              (error) => (error === undefined ? resolve() : reject(error)),
            )
          })
          request.on('error', reject)
          request.end()
        }),
      close: () => h2session.close(),
    }
  },
}
