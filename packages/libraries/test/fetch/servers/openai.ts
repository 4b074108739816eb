/** A server with the part of the API of OpenAI that the checks and the guide use. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { contentOf, cutOff, everyOther, formOf, json, later, UPLOAD } from './answers.js'

/** Returns the handler of one server: every other request of some models fails. */
export function openaiServer() {
  const failsNow = everyOther()
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url!
    response.setHeader('x-request-id', 'r1')
    if (path === '/v1/models') return json(response, { object: 'list', data: [{ id: 'm' }] })
    if (path === '/v1/files')
      return json(response, {
        id: Object.values(await formOf(request))
          .sort()
          .join(' '),
      })
    if (path === '/v1/audio/transcriptions') return json(response, { text: (await formOf(request))['file'] })
    if (path === '/v1/files/f1/content') return void response.end(UPLOAD)
    const body = JSON.parse(String(await contentOf(request)))
    if (path === '/v1/responses') return answerResponses(response, body)
    if (body.model === 'wrong') return json(response, { error: { message: 'no such model', code: 'model_not_found' } }, 400)
    if (body.model === 'text') return void response.writeHead(404, { 'content-type': 'text/plain' }).end('nothing here')
    if (body.model === 'limited' && failsNow('limited')) return later(response, 429)
    if (body.model === 'failing' && failsNow('failing')) return later(response, 500)
    if (body.model === 'silent') return
    if (body.model === 'headers') return void response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
    if (body.stream === true) return streamChat(response, body.model)
    json(response, {
      id: 'c1',
      object: 'chat.completion',
      choices: [{ index: 0, finish_reason: 'stop', message: messageFor(body) }],
    })
  }
}

/** Asks for a tool if there is one, until it has been called. */
function messageFor(body: { tools?: unknown[]; messages: { role: string; content: string }[] }): object {
  const last = body.messages.at(-1)!
  if (last.role === 'tool') return { role: 'assistant', content: `It is ${last.content}.` }
  if (body.tools === undefined) return { role: 'assistant', content: 'Hi there' }
  const call = { id: 't1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } }
  return { role: 'assistant', content: null, tool_calls: [call] }
}

function streamChat(response: ServerResponse, model: string): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const send = (value: unknown): unknown => response.write(`data: ${JSON.stringify(value)}\n\n`)
  const delta = (content: string): unknown => send({ id: 'c1', choices: [{ index: 0, delta: { content } }] })
  delta('Hi ')
  if (model === 'endless') return
  if (model === 'cut') return cutOff(response)
  if (model === 'midway') send({ error: { message: 'overloaded' } })
  delta('there')
  response.end('data: [DONE]\n\n')
}

function answerResponses(response: ServerResponse, body: { stream?: boolean }): void {
  const output = [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hi there', annotations: [] }] }]
  const whole = { id: 'r1', object: 'response', status: 'completed', output }
  if (body.stream !== true) return json(response, whole)
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const events = [
    ...['Hi ', 'there'].map((delta) => ({ type: 'response.output_text.delta', delta })),
    { type: 'response.completed', response: whole },
  ]
  for (const event of events) response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
  response.end()
}
