/** A server with the part of the API of Anthropic that the checks and the guide use. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { contentOf, cutOff, events, everyOther, formOf, json, later } from './answers.js'

interface Body {
  readonly model: string
  readonly stream?: boolean
  readonly tools?: unknown[]
}

/** Returns the handler of one server: every other request of some models fails. */
export function anthropicServer() {
  const failsNow = everyOther()
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.setHeader('request-id', 'r1')
    if (request.url!.startsWith('/v1/files')) return json(response, { id: Object.values(await formOf(request)).join() })
    const body = JSON.parse(String(await contentOf(request))) as Body
    const { model } = body
    if (model === 'wrong') return json(response, failure('invalid_request_error', 'no such model'), 400)
    if (model === 'text') return void response.writeHead(404, { 'content-type': 'text/plain' }).end('nothing here')
    if (model === 'limited' && failsNow(model)) return later(response, 429, failure('rate_limit_error', 'later'))
    if (model === 'failing' && failsNow(model)) return later(response, 529, failure('overloaded_error', 'later'))
    if (model === 'silent') return
    if (model === 'headers') return void response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
    if (body.stream === true) return stream(response, model)
    const text = { type: 'text', text: 'Hi there' }
    const use = { type: 'tool_use', id: 't1', name: 'weather', input: { city: 'Oslo' } }
    json(response, { id: 'm1', type: 'message', role: 'assistant', content: [body.tools === undefined ? text : use] })
  }
}

function failure(type: string, message: string): object {
  return { type: 'error', error: { type, message } }
}

function stream(response: ServerResponse, model: string): void {
  const sendEvent = events(response)
  const send = (event: { type: string; [member: string]: unknown }): void => sendEvent(event, event.type)
  const delta = (text: string): void => send({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })
  const message = { id: 'm1', type: 'message', role: 'assistant', content: [], usage: { input_tokens: 1, output_tokens: 1 } }
  send({ type: 'message_start', message })
  send({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } })
  delta('Hi ')
  // The old version yields an event when the next one begins.
  if (model === 'endless') return send({ type: 'ping' })
  if (model === 'cut') return cutOff(response)
  if (model === 'midway') sendEvent(failure('overloaded_error', 'overloaded'), 'error')
  delta('there')
  send({ type: 'content_block_stop', index: 0 })
  send({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } })
  send({ type: 'message_stop' })
  response.end()
}
