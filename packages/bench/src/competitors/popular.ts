/**
 * Popular clients on top of Node's, each used as its documentation shows, with persistent
 * connections.
 */

import { always, check, type Library, OWN_SERVER } from '../competitor.js'
import { fetchSession } from './fetches.js'

/** HTTP/1.1 clients on node:https: as many connections as undici has. */
const agentOptions = (ca: string): object => ({ ca, keepAlive: true, maxSockets: 50 })

export const gotH2: Library = {
  name: 'got http2',
  protocol: 'h2',
  available: (server) => server !== OWN_SERVER || 'it uses http2-wrapper, whose resets a Node server does not tolerate',
  async start(target) {
    const { default: got } = await import('got')
    const client = got.extend({ http2: true, https: { certificateAuthority: target.ca }, retry: { limit: 0 } })
    const url = target.origin + target.path
    return {
      async once() {
        const { statusCode, body } = await client(url)
        check(target, statusCode, body)
      },
      // Its connections are in an agent of its module and end with the process.
      close() {},
    }
  },
}

export const axiosH1: Library = {
  name: 'axios h1',
  protocol: 'http/1.1',
  available: always,
  async start(target) {
    const [{ default: axios }, { Agent }] = await Promise.all([import('axios'), import('node:https')])
    const httpsAgent = new Agent(agentOptions(target.ca))
    const client = axios.create({ httpsAgent, responseType: 'text', proxy: false })
    const url = target.origin + target.path
    return {
      async once() {
        const { status, data } = await client.get<string>(url)
        check(target, status, data)
      },
      close: () => httpsAgent.destroy(),
    }
  },
}

export const nodeFetchH1: Library = {
  name: 'node-fetch h1',
  protocol: 'http/1.1',
  available: always,
  async start(target) {
    const [{ default: fetch }, { Agent }] = await Promise.all([import('node-fetch'), import('node:https')])
    const agent = new Agent(agentOptions(target.ca))
    return fetchSession(
      target,
      (url, init) => fetch(url, { ...init, agent }),
      () => agent.destroy(),
    )
  },
}

export const fetchH2: Library = {
  name: 'fetch-h2',
  protocol: 'h2',
  available: always,
  async start(target) {
    const { context } = await import('fetch-h2')
    const { fetch, disconnectAll } = context({ session: { ca: target.ca }, httpsProtocols: ['http2'] })
    return fetchSession(
      target,
      (url) => fetch(url),
      () => disconnectAll(),
    )
  },
}

/** Every client of this file. Scenarios take the list, so that a new one is an entry here. */
export const POPULAR: readonly Library[] = [gotH2, axiosH1, nodeFetchH1, fetchH2]
