/** A server of GraphQL whose answers depend on the first field of a query. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { contentOf, cutOff, events, formOf, json } from './answers.js'

interface Query {
  readonly query: string
  readonly variables?: Readonly<Record<string, string>>
}

/** Returns the handler of one server. */
export function graphqlServer() {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const isForm = request.headers['content-type']?.startsWith('multipart/') === true
    if (isForm) {
      // The file follows the query and the map of variables.
      const { operations: _operations, map: _map, ...files } = await formOf(request)
      return json(response, { data: { upload: Object.values(files).join() } })
    }
    const { query, variables } = JSON.parse(String(await contentOf(request))) as Query
    const field = /\{\s*(\w+)/.exec(query)![1]!
    if (field === 'silent') return
    if (field === 'headers') return void response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
    if (field === 'unavailable') return void response.writeHead(503, { 'content-type': 'text/plain' }).end('come back later')
    if (field === 'wrong') return json(response, { errors: [{ message: 'no such field' }] })
    if (field === 'cut') {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"data":')
      return cutOff(response)
    }
    if (field === 'deferred') return defer(response)
    if (field === 'ticks') return tick(response)
    if (field === 'add') return json(response, { data: { add: { __typename: 'User', name: variables!['name'] } } })
    if (field === 'size') return json(response, { data: { size: variables!['text']!.length } })
    json(response, { data: { user: { __typename: 'User', name: 'Ada' } } })
  }
}

/** Sends a result in two parts. */
function defer(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'multipart/mixed; boundary="-"' })
  const part = (value: unknown): string => `\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(value)}\r\n---`
  response.write(`---${part({ data: { deferred: { name: 'Ada' } }, hasNext: true })}`)
  response.end(`${part({ incremental: [{ path: ['deferred'], data: { age: 36 } }], hasNext: false })}--\r\n`)
}

function tick(response: ServerResponse): void {
  const send = events(response)
  for (let ticks = 1; ticks <= 3; ticks++) send({ data: { ticks } }, 'next')
  response.end('event: complete\ndata:\n\n')
}
