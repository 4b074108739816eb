/**
 * Three `fetch` functions that read JSON: ours, undici's over HTTP/2, and Node's own. The parsed
 * response is inspected, not serialized again.
 */

import { check, type Library, OWN_SERVER, type Session, type Target } from '../competitor.js'

type AnyFetch = (url: string) => Promise<{ readonly status: number; json(): Promise<unknown> }>

/** Result of {@link describeItems} for the right response: testkit's `10k.json`. */
export const RIGHT_ITEMS = '128 items, the last one 127'

const available = (server: string): true | string => (server === OWN_SERVER ? `${server} has no 10k.json` : true)

export const unshardFetchJson: Library = {
  name: 'unshard fetch',
  protocol: 'h2',
  available,
  async start(target) {
    const { createClient, createFetch } = await import('unshard')
    const client = createClient({ tls: { ca: target.ca } })
    return sessionOf(target, createFetch(client), () => client.close())
  },
}

export const undiciFetchJson: Library = {
  name: 'undici fetch h2',
  protocol: 'h2',
  available,
  async start(target) {
    const { Client, fetch } = await import('undici')
    const { inFlight, ca } = target
    const options = { allowH2: true, connect: { ca }, maxConcurrentStreams: inFlight, pipelining: inFlight }
    const dispatcher = new Client(target.origin, options)
    return sessionOf(
      target,
      (url) => fetch(url, { dispatcher }),
      () => dispatcher.close(),
    )
  },
}

export const builtInFetchJson: Library = {
  name: 'built-in fetch',
  protocol: 'http/1.1',
  available,
  start: (target) =>
    Promise.resolve(
      sessionOf(
        target,
        (url) => fetch(url),
        () => undefined,
      ),
    ),
}

function sessionOf(target: Target, send: AnyFetch, close: () => void | Promise<void>): Session {
  const url = target.origin + target.path
  return {
    async once() {
      const response = await send(url)
      check(target, response.status, describeItems(await response.json()))
    },
    close,
  }
}

function describeItems(items: unknown): string {
  const list = items as readonly { readonly id: number }[]
  return `${list.length} items, the last one ${list.at(-1)?.id}`
}
