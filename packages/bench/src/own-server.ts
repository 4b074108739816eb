/**
 * The testkit's own server, node:http2 and node:https, with the resources of the scenarios: used if
 * no external server is installed.
 */

import { type Delivery, type OriginServer, SMALL_TEXT, startOriginServer } from '@unshard/testkit'
import { LARGE_PATH } from './scenarios/contents.js'

type Tls = NonNullable<NonNullable<Parameters<typeof startOriginServer>[0]>['tls']>

const FORGET_EVERY_MS = 100
/** As many items as testkit's `10k.json`, and about as many bytes. */
const ITEMS = JSON.stringify(
  Array.from({ length: 128 }, (_, id) => ({ id, name: `item ${id}`, tags: ['a', 'b'], price: id * 1.25 + 1000 })),
  undefined,
  1,
)

export async function startOwnServer(tls: Tls, large: Buffer): Promise<OriginServer> {
  const server = await startOriginServer({
    tls,
    handler(request, response) {
      let received = 0
      request.on('data', (chunk: Buffer) => {
        received += chunk.length
      })
      request.once('end', () => {
        const content = contentOf(pathOf(request.url), received, large)
        response.writeHead(200, { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(content) })
        response.end(content)
      })
    },
  })
  // The server records every request for tests. Here that would be a million of them.
  setInterval(() => (server.requests as Delivery[]).splice(0), FORGET_EVERY_MS).unref()
  return server
}

function contentOf(path: string, received: number, large: Buffer): Buffer | string {
  switch (path) {
    case LARGE_PATH:
      return large
    case '/10k.json':
      return ITEMS
    case '/upload-counted':
      return String(received)
    default:
      return SMALL_TEXT
  }
}

/** Removes the query: curl numbers its transfers there. */
function pathOf(url: string | undefined): string {
  return (url ?? '/').split('?', 1)[0]!
}
