/** The server behind the proxies under test, which forward /behind/… to it. */

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'

export const TRAILER = ['x-checksum', '1234'] as const

export interface Backend {
  readonly listener: RequestListener
  /** Resolves after the first request to /behind/held, which is answered after `release()`. */
  arrived(): Promise<void>
  release(): void
  /** The number of requests to /behind/held. */
  readonly heldCount: number
  /** The number of requests to /behind/length. */
  readonly lengths: number
}

type Route = (request: IncomingMessage, response: ServerResponse, args: readonly string[], length: number) => void

export function createBackend(): Backend {
  const held: ServerResponse[] = []
  let released = false
  let heldCount = 0
  let lengths = 0
  let arrive: () => void
  const arrival = new Promise<void>((resolve) => {
    arrive = resolve
  })
  const routes: Record<string, Route> = {
    ...fixedRoutes,
    length: (_request, response, _args, length) => {
      lengths++
      response.end(String(length))
    },
    held: (_request, response) => {
      heldCount++
      if (released) return void response.end('held')
      held.push(response)
      arrive()
    },
  }
  return {
    listener: (request, response) => {
      let length = 0
      request.on('data', (part: Buffer) => {
        length += part.length
      })
      request.once('end', () => {
        const [, , name = '', ...args] = (request.url ?? '').split('/')
        routes[name]?.(request, response, args, length)
      })
    },
    arrived: () => arrival,
    get heldCount() {
      return heldCount
    },
    get lengths() {
      return lengths
    },
    release() {
      released = true
      for (const response of held.splice(0)) response.end('held')
    },
  }
}

const fixedRoutes: Record<string, Route> = {
  /** Answers with the trailers of the request as content, and with its own trailer. */
  trailers: (request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain', trailer: TRAILER[0] })
    response.write(String(request.trailers[TRAILER[0]]))
    response.addTrailers(Object.fromEntries([TRAILER]))
    response.end()
  },

  /** /behind/fields/COUNT/LENGTH */
  fields: (_request, response, [count, length]) => {
    for (let at = 0; at < Number(count); at++) response.setHeader(`x-${at}`, 'v'.repeat(Number(length)))
    response.end('many fields')
  },
}
