/** node:http2 as it is: `session.request` on one session, the content collected from its events. */

import { once as event } from 'node:events'
import { always, type Library } from '../competitor.js'
import { collect } from './collect.js'

export const nodeHttp2: Library = {
  name: 'node:http2',
  protocol: 'h2',
  available: always,
  async start(target) {
    const http2 = await import('node:http2')
    const session = http2.connect(target.origin, { ca: target.ca })
    await event(session, 'connect')
    return {
      once: () =>
        new Promise((resolve, reject) => {
          const stream = session.request({ ':path': target.path })
          let status: number | undefined
          stream.on('response', (headers) => {
            status = headers[':status']
          })
          collect(
            stream,
            target,
            () => status,
            (error) => (error === undefined ? resolve() : reject(error)),
          )
        }),
      close: () => session.close(),
    }
  },
}
