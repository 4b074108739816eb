/** Clients with the interface of node:http: Node's own, ours, and a library over both. */

import type { ClientRequest, IncomingMessage } from 'node:http'
import { always, check, type Library, type Session, type Target } from '../competitor.js'
import { collect } from './collect.js'

type Get = (url: string, callback: (response: IncomingMessage) => void) => ClientRequest

/** As many connections as the HTTP/1.1 clients of other scenarios have. */
const SOCKETS = 50

/** Node's own client with connections that stay open. */
export const nodeHttps: Library = {
  name: 'node:https h1',
  protocol: 'http/1.1',
  available: always,
  async start(target) {
    const { Agent, get } = await import('node:https')
    const agent = new Agent({ ca: target.ca, keepAlive: true, maxSockets: SOCKETS })
    return session(
      target,
      (url, callback) => get(url, { agent }, callback),
      () => agent.destroy(),
    )
  },
}

/** `get` of `unshard/http`. */
export const unshardHttp: Library = {
  name: 'unshard/http get',
  protocol: 'h2',
  available: always,
  async start(target) {
    const [{ createClient }, { createHttp }] = await Promise.all([import('unshard'), import('unshard/http')])
    const client = createClient({ tls: { ca: target.ca } })
    return session(target, createHttp(client).get, () => client.close())
  },
}

/** Node's own `get` with an agent of `unshard/http`. */
export const unshardAgent: Library = {
  name: 'node:https, unshard agent',
  protocol: 'h2',
  available: always,
  async start(target) {
    const [{ createClient }, { createAgent }, { get }] = await Promise.all([
      import('unshard'),
      import('unshard/http'),
      import('node:https'),
    ])
    const client = createClient({ tls: { ca: target.ca } })
    const agent = createAgent(client)
    return session(
      target,
      (url, callback) => get(url, { agent }, callback),
      () => client.close(),
    )
  },
}

/** got over `request` of `unshard/http`. */
export const gotOverUnshard: Library = {
  name: 'got, unshard request',
  protocol: 'h2',
  available: always,
  async start(target) {
    const [{ createClient }, { createRequest }, { default: got }] = await Promise.all([
      import('unshard'),
      import('unshard/http'),
      import('got'),
    ])
    const client = createClient({ tls: { ca: target.ca } })
    const shared = got.extend({ request: createRequest(client) as never, retry: { limit: 0 } })
    const url = target.origin + target.path
    return {
      async once() {
        const { statusCode, body } = await shared(url)
        check(target, statusCode, body)
      },
      close: () => client.close(),
    }
  },
}

function session(target: Target, get: Get, close: Session['close']): Session {
  const url = target.origin + target.path
  return {
    once: () =>
      new Promise((resolve, reject) => {
        const request = get(url, (response) => {
          collect(
            response,
            target,
            () => response.statusCode,
            (error) => (error === undefined ? resolve() : reject(error)),
          )
        })
        request.on('error', reject)
      }),
    close,
  }
}
