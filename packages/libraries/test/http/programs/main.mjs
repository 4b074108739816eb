/** Runs one library over our connections, and prints what it got: `main.mjs request|agent NAME`. */

import { createClient } from 'unshard'
import { createAgent, createHttp } from 'unshard/http'
import { byAgent, byRequest } from './libraries.mjs'

const [way, name] = process.argv.slice(2)
const { CA, H2, H1, NONE } = process.env
const client = createClient({ tls: { ca: CA }, lookup: (_host, _options, done) => done(null, '127.0.0.1', 4) })
const send = await (way === 'request' ? byRequest[name](createHttp(client)) : byAgent[name](createAgent(client)))
const origin = (port, host = 'a') => `https://${host}.test.example:${port}`

/** These never settle for a response that is cut off, whatever their agent. */
const cutHangs = new Set(['node-fetch-2', 'needle'])

async function caught(promise) {
  try {
    return { resolved: (await promise).status }
  } catch (error) {
    return { code: error.code ?? error.cause?.code, name: error.name, message: String(error.message).slice(0, 200) }
  }
}

async function checks(port) {
  const large = 'unsharded '.repeat(100_000)
  const controller = new AbortController()
  const aborted = caught(send(`${origin(port)}/slow`, { signal: controller.signal }))
  setTimeout(() => controller.abort(), 50)
  return {
    get: await send(`${origin(port)}/echo?n=1`),
    post: await send(`${origin(port)}/echo`, { method: 'POST', body: 'hello', headers: { 'content-type': 'text/plain' } }),
    put: await send(`${origin(port)}/echo`, { method: 'PUT', body: 'again', headers: { 'content-type': 'text/plain' } }),
    missing: (await send(`${origin(port)}/missing`)).status,
    redirected: await send(`${origin(port)}/redirect`),
    largeBytes: (await send(`${origin(port)}/large`)).text === large,
    uploaded: (await send(`${origin(port)}/length`, { method: 'POST', body: large, headers: { 'content-type': 'text/plain' } }))
      .text,
    gzip: (await send(`${origin(port)}/gzip`, { headers: { 'accept-encoding': 'gzip' } })).status,
    aborted: await aborted,
    cut: cutHangs.has(name) ? {} : await caught(send(`${origin(port)}/cut`)),
  }
}

const result = {
  h2: await checks(H2),
  h1: await checks(H1),
  refused: await caught(send(origin(NONE))),
  hosts: (await Promise.all(Array.from({ length: 12 }, (_, i) => send(`${origin(H2, `host-${i}`)}/echo?n=${i}`)))).map(
    ({ status }) => status,
  ),
}
console.log(JSON.stringify(result))
process.exit()
