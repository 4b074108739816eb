/**
 * Plain node:http2: `session.request` on one session, with the content collected from its events.
 */

import { once as event } from 'node:events'
import { always, type Library } from '../competitor.js'
import { collect } from './collect.js'
import { contentOf } from './reading.js'

export const nodeHttp2: Library = {
  name: 'node:http2',
  protocol: 'h2',
  available: always,
  async start(target) {
    const http2 = await import('node:http2')
    // By default it refuses its own uploads of more than 10 MB at once (ENHANCE_YOUR_CALM).
    const session = http2.connect(target.origin, { ca: target.ca, maxSessionMemory: 1_000 })
    await event(session, 'connect')
    const content = contentOf(target)
    const fields =
      content === undefined
        ? { ':path': target.path }
        : { ':path': target.path, ':method': 'POST', 'content-type': target.upload!.type, 'content-length': content.length }
    return {
      once: () =>
        new Promise((resolve, reject) => {
          // The call modifies its argument.
          const stream = session.request({ ...fields })
          if (content !== undefined) stream.end(content)
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
