/**
 * `fetch` and our `client.request` with JSON in both directions. The parsed response is inspected,
 * not serialized again.
 */

import { always, check, type Library, type Protocol, type Session, type Target } from '../competitor.js'

type AnyFetch = (url: string, init: Init) => Promise<{ readonly status: number; json(): Promise<unknown> }>

interface Init {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

interface Opened {
  readonly send: AnyFetch
  close(): void | Promise<void>
}

/** Result of {@link describeItems} for the right response: testkit's `10k.json`. */
export const RIGHT_ITEMS = '128 items, the last one 127'

const order = {
  id: 1,
  note: 'x'.repeat(200),
  items: Array.from({ length: 20 }, (_, i) => ({ sku: `sku-${i}`, count: i, price: 9.5 })),
}
/** Length of the request content in bytes. */
export const POSTED: number = JSON.stringify(order).length

const json = { 'content-type': 'application/json' }

export const unshardJsonPost: Library = library('unshard fetch', 'h2', async ({ ca }) => {
  const { createClient, createFetch } = await import('unshard')
  const client = createClient({ tls: { ca } })
  return { send: createFetch(client), close: () => client.close() }
})

export const unshardRequestJsonPost: Library = library('unshard client.request', 'h2', async ({ ca }) => {
  const { createClient } = await import('unshard')
  const client = createClient({ tls: { ca } })
  return { send: (url, init) => client.request({ url, ...init }), close: () => client.close() }
})

export const undiciJsonPostH1: Library = library('undici fetch h1', 'http/1.1', async ({ origin, ca }) => {
  const { Pool, fetch } = await import('undici')
  const dispatcher = new Pool(origin, { allowH2: false, connect: { ca }, connections: 50 })
  return { send: (url, init) => fetch(url, { ...init, dispatcher }), close: () => dispatcher.close() }
})

export const undiciJsonPostH2: Library = library('undici fetch h2', 'h2', async ({ origin, ca, inFlight }) => {
  const { Client, fetch } = await import('undici')
  const options = { allowH2: true, connect: { ca }, maxConcurrentStreams: inFlight, pipelining: inFlight }
  const dispatcher = new Client(origin, options)
  return { send: (url, init) => fetch(url, { ...init, dispatcher }), close: () => dispatcher.close() }
})

export const builtInJsonPost: Library = library('built-in fetch', 'http/1.1', () =>
  Promise.resolve({ send: (url, init) => fetch(url, init), close: () => undefined }),
)

function library(name: string, protocol: Protocol, open: (target: Target) => Promise<Opened>): Library {
  return {
    name,
    protocol,
    available: always,
    start: async (target) => sessionOf(target, await open(target)),
  }
}

function sessionOf(target: Target, { send, close }: Opened): Session {
  const url = target.origin + target.path
  return {
    async once() {
      const response = await send(url, { method: 'POST', headers: json, body: JSON.stringify(order) })
      check(target, response.status, describeItems(await response.json()))
    },
    close,
  }
}

function describeItems(items: unknown): string {
  const list = items as readonly { readonly id: number }[]
  return `${list.length} items, the last one ${list.at(-1)?.id}`
}
