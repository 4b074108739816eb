/** The same requests through Node's client and through ours, and records of their events. */

import type { ClientRequest, IncomingMessage } from 'node:http'
import https from 'node:https'
import { coalescing } from '@unshard/coalescing'
import type { Client } from '@unshard/core'
import { type ClientOptions, Client as CoreClient } from '@unshard/core'
import { staticLookup, type TestWorld, testWorld } from '@unshard/testkit'
import { createAgent, createHttp, type HttpModule } from '../../src/http/index.js'

/** Events of a request and its response, in order. */
export interface Recording {
  readonly events: string[]
  readonly request: ClientRequest
  response: IncomingMessage | undefined
  body: string
  /** Resolves when the request is closed. */
  readonly closed: Promise<void>
}

/** Starts to record a request; the response is read unless `read` says otherwise. */
export function record(request: ClientRequest, read = true): Recording {
  const events: string[] = []
  let close!: () => void
  const closed = new Promise<void>((resolve) => {
    close = resolve
  })
  const recording: Recording = { events, request, response: undefined, body: '', closed }
  // Errors of Node are of another realm than those of the tests.
  const note = (name: string) => (argument?: { readonly message?: unknown }) =>
    events.push(typeof argument?.message === 'string' ? `${name} ${codeOf(argument as Error)}` : name)
  for (const name of ['socket', 'continue', 'abort', 'timeout', 'error']) request.on(name, note(name))
  request.on('information', ({ statusCode }: { statusCode: number }) => events.push(`information ${statusCode}`))
  request.on('close', () => {
    events.push('close')
    close()
  })
  request.on('response', (response: IncomingMessage) => {
    recording.response = response
    events.push(`response ${response.statusCode}`)
    for (const name of ['end', 'aborted', 'error', 'close']) response.on(name, note(`response ${name}`))
    if (read) response.setEncoding('utf8').on('data', (text: string) => (recording.body += text))
  })
  return recording
}

function codeOf(error: Error): string {
  return `${(error as NodeJS.ErrnoException).code}: ${error.message}`
}

/** Call once, at the top level of a test file. */
export function httpFixture(): TestWorld & {
  client(options?: ClientOptions): Client
  ours(options?: ClientOptions): HttpModule
  /** Node's own functions, with an agent over our connections. */
  throughAgent(options?: ClientOptions): HttpModule
  /** Node's own functions, with the certificate authority of the tests. */
  node(): HttpModule
} {
  const world = testWorld()
  const lookup = staticLookup({ 'a.test.example': '127.0.0.1', 'b.test.example': '127.0.0.1' })
  const client = (options: ClientOptions = {}): Client => {
    const made = new CoreClient({ tls: { ca: world.authority.ca }, lookup, reuse: coalescing(), ...options })
    world.defer(() => made.destroy())
    return made
  }
  const nodeWith = (defaults: object): HttpModule => {
    const wrap =
      (method: typeof https.request) =>
      (input: unknown, options?: unknown, callback?: unknown): ClientRequest =>
        typeof input === 'string' || input instanceof URL
          ? method(input, { ...defaults, ...(options as object) }, callback as never)
          : method({ ...defaults, ...(input as object) }, options as never)
    return { request: wrap(https.request), get: wrap(https.get as never) }
  }
  const node = (): HttpModule => {
    const agent = new https.Agent({ ca: world.authority.ca, keepAlive: true })
    world.defer(() => agent.destroy())
    return nodeWith({ agent, ca: world.authority.ca, lookup })
  }
  const throughAgent = (options?: ClientOptions): HttpModule => nodeWith({ agent: createAgent(client(options)) })
  const own = { client, node, throughAgent, ours: (options?: ClientOptions) => createHttp(client(options)) }
  return Object.defineProperties(own as never, Object.getOwnPropertyDescriptors(world)) as never
}
