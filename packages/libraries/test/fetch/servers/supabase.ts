/** A server with the part of the API of Supabase that the checks and the guide use. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { contentOf, digest, everyOther, formOf, json, later, UPLOAD } from './answers.js'

/** Returns the handler of one server: every other read of the table `failing` fails. */
export function supabaseServer() {
  const failsNow = everyOther()
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url!, 'https://a.test.example')
    const [, service, ...path] = pathname.split('/')
    if (path.at(-1) === 'failing' && failsNow('failing')) return later(response, 503, { message: 'later' })
    if (service === 'rest') return table(request, response, path.at(-1)!)
    if (service === 'storage') return files(request, response, pathname)
    if (service === 'auth') return signIn(request, response, searchParams)
    if (path.at(-1) === 'fail') return json(response, { message: 'the function failed' }, 500)
    const { name } = JSON.parse(String(await contentOf(request))) as { name: string }
    json(response, { message: `Hello, ${name}` })
  }
}

async function table(request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
  if (name === 'silent') return
  if (name === 'headers') return void response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
  if (name === 'wrong') return json(response, { code: '42P01', message: 'no such table', details: null, hint: null }, 404)
  if (request.method === 'HEAD') return void response.writeHead(200, { 'content-range': '0-24/25' }).end()
  const isOne = request.headers.accept?.includes('vnd.pgrst.object') === true
  if (isOne) return json(response, { code: 'PGRST116', message: 'several rows', details: null, hint: null }, 406)
  if (request.method === 'GET') return json(response, [{ name: 'Ada' }])
  const sent = JSON.parse(String(await contentOf(request))) as { a: number; b: number }
  json(response, name === 'add' ? sent.a + sent.b : [sent], name === 'add' ? 200 : 201)
}

async function files(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
  if (request.method === 'GET') {
    if (path.endsWith('/missing'))
      return json(response, { statusCode: '404', error: 'not_found', message: 'Object not found' }, 404)
    return void response.writeHead(200, { 'content-type': 'text/plain' }).end(UPLOAD)
  }
  const isForm = request.headers['content-type']?.startsWith('multipart/') === true
  const content = isForm ? Object.values(await formOf(request)).at(-1) : digest(await contentOf(request))
  // The name of a file that was stored is not checked: the client returns its own path.
  const isWhole = content!.includes(digest(UPLOAD))
  json(response, isWhole ? { Id: 'f1', Key: 'files/data.txt' } : { message: 'content was lost' }, isWhole ? 200 : 400)
}

async function signIn(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): Promise<void> {
  const { password } = JSON.parse(String(await contentOf(request))) as { password: string }
  if (password === 'wrong' || query.get('grant_type') !== 'password') {
    return json(
      response,
      { code: 'invalid_credentials', error_code: 'invalid_credentials', msg: 'Invalid login credentials' },
      400,
    )
  }
  const user = { id: 'u1', aud: 'authenticated', email: 'a@b.example' }
  json(response, { access_token: 'e30.e30.e30', token_type: 'bearer', expires_in: 3600, refresh_token: 'r1', user })
}
