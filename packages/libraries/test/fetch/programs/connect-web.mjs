/** Checks of the transports of connect-web: `connect-web.mjs @connectrpc/connect-web|@connectrpc/connect-web-1`. */

import { register } from 'node:module'
import { joined, run, watched } from './harness.mjs'
import { aborted } from './shared-checks.mjs'

const [name] = process.argv.slice(2)
const isOld = name === '@connectrpc/connect-web-1'
if (isOld) register('../../connect/programs/connect-1.mjs', import.meta.url)
const connect = await import('@connectrpc/connect')
const { createConnectTransport, createGrpcWebTransport } = await import(name)
const { Service } = await import('../../connect/programs/service.mjs')
const createClient = isOld ? connect.createPromiseClient : connect.createClient

const transports = { connect: createConnectTransport, grpcWeb: createGrpcWebTransport }
const open = (create, { fetch, origin }) => createClient(Service, create({ baseUrl: origin, fetch, useBinaryFormat: true }))

/** Errors of a call: the code and the message. */
const failing = (promise) =>
  promise.then(
    () => 'no error',
    ({ code, rawMessage }) => `${connect.Code[code]}: ${rawMessage}`,
  )

async function* textsOf(messages) {
  for await (const { text } of messages) yield text
}

function checksOf(create, { fetch, origin, none }) {
  const client = open(create, { fetch, origin })
  return {
    unary: async () => (await client.unary({ text: 'Ada' })).text,
    large: async () => (await client.unary({ text: 'unsharded '.repeat(50_000) })).text.length,
    stream: async () => joined(textsOf(client.serverStream({ count: 3 }))),
    error: () => failing(client.unary({ text: 'wrong' })),
    errorOfStream: () => failing(joined(textsOf(client.serverStream({ count: -1 })))),
    missing: () => failing(client.missing({})),
    headers: async () => {
      let seen
      await client.unary({ text: 'Ada' }, { headers: { 'x-a': 'b' }, onHeader: (header) => (seen = header.get('x-seen')) })
      return seen
    },
    timeout: () => failing(client.unary({ text: 'silent' }, { timeoutMs: 50 })),
    abortWhileWaiting: () => failing(aborted((signal) => client.unary({ text: 'silent' }, { signal }))),
    abortBody: () => {
      const controller = new AbortController()
      const slow = open(create, { fetch: watched(fetch, () => controller.abort()), origin })
      return failing(joined(textsOf(slow.serverStream({ count: 1000 }, { signal: controller.signal }))))
    },
    refused: () => failing(open(create, { fetch, origin: none }).unary({ text: 'Ada' })),
  }
}

function checks(at) {
  const all = Object.entries(transports).map(([kind, create]) =>
    Object.entries(checksOf(create, at)).map(([check, run]) => [`${check} over ${kind}`, run]),
  )
  return Object.fromEntries(all.flat())
}

await run({ checks, host: async (at) => (await open(createConnectTransport, at).unary({ text: 'Ada' })).text })
