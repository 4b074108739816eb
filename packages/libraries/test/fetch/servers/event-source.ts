/** A server of event streams. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { cutOff, events } from './answers.js'

/** Returns the handler of one server. */
export function eventServer() {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url!
    if (path === '/moved') return void response.writeHead(307, { location: '/events' }).end()
    if (path === '/missing') return void response.writeHead(404).end()
    if (path === '/text') return void response.writeHead(200, { 'content-type': 'text/plain' }).end('hello')
    if (path === '/nothing') return void response.writeHead(204).end()
    if (path === '/secret' && request.headers.authorization !== 'Bearer token') return void response.writeHead(401).end()
    const send = events(response)
    if (path === '/endless') return send('first')
    const last = request.headers['last-event-id']
    if (path === '/resumed' || path === '/cut') {
      const id = Number(last ?? 0) + 1
      response.write('retry: 1\n')
      response.write(`id: ${id}\ndata: event ${id}\n\n`)
      return path === '/cut' ? cutOff(response) : void response.end()
    }
    send('first')
    send('second', 'tick')
    send('line 1\ndata: line 2')
  }
}
