/** http2-wrapper: the API of node:https over one HTTP/2 session. */

import { once as event } from 'node:events'
import { always, type Library } from '../competitor.js'
import { collect } from './collect.js'

export const http2Wrapper: Library = {
  name: 'http2-wrapper',
  protocol: 'h2',
  available: always,
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
