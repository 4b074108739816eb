/** A server with the part of the API of GitHub that the checks and the guide use. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { contentOf, digest, everyOther, json, UPLOAD } from './answers.js'

/** Returns the handler of one server: every other request of `/failing` fails. */
export function githubServer() {
  const failsNow = everyOther()
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.setHeader('x-github-request-id', 'r1')
    const path = request.url!
    if (path === '/graphql') return answerQuery(response, JSON.parse(String(await contentOf(request))) as { query: string })
    if (path === '/upload') return json(response, { content: digest(await contentOf(request)) }, 201)
    if (path === '/archive') return void response.writeHead(200, { 'content-type': 'application/zip' }).end(UPLOAD)
    if (path === '/nothing') return void response.writeHead(204).end()
    if (path === '/same') return void response.writeHead(304).end()
    if (path === '/moved') return void response.writeHead(302, { location: '/repos/o/r' }).end()
    if (path === '/missing') return json(response, { message: 'Not Found', documentation_url: 'https://docs.example/' }, 404)
    if (path === '/text') return void response.writeHead(502, { 'content-type': 'text/plain' }).end('bad gateway')
    if (path === '/silent') return
    if (path === '/headers') return void response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
    if (path === '/failing' && failsNow(path)) return json(response, { message: 'later' }, 500)
    if (request.method === 'POST') return json(response, JSON.parse(String(await contentOf(request))), 201)
    json(response, { name: 'hello-world' })
  }
}

function answerQuery(response: ServerResponse, { query }: { query: string }): void {
  if (query.includes('wrong')) return json(response, { errors: [{ message: 'no such field' }] })
  json(response, { data: { viewer: { login: 'ada' } } })
}
