/**
 * The requests of every program here: 100 in flight, each in a span of its caller, a 404, an abort,
 * a refused connection; then one of the global fetch and one of the built-in fetch over the client.
 */

import { createClient, createFetch, install, uninstall } from 'unshard'
import { Dispatcher, installGlobalDispatcher } from 'unshard/undici'

const { H2, H1, NONE, CA } = process.env
/** An instrumentation may have wrapped it. */
const builtIn = globalThis.fetch

/** Sends the requests. `inSpan(name, call)` runs `call` in a span of this name; `observe` is called with the client. */
export async function sendRequests(inSpan, observe = () => undefined) {
  const client = createClient({
    tls: { ca: CA },
    lookup: (_host, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
  })
  observe(client)
  const fetch = createFetch(client)
  const url = (i) => `https://a.test.example:${i % 4 < 2 ? H2 : H1}/?n=${i}`
  const send = async (i) => (await (i % 2 === 0 ? client.request({ url: url(i) }) : fetch(url(i)))).text()
  await Promise.all(Array.from({ length: 100 }, (_, i) => inSpan(`caller ${i}`, () => send(i))))
  await inSpan('others', async () => {
    await (await client.request({ url: `https://a.test.example:${H2}/missing` })).text()
    const controller = new AbortController()
    await fetch(`https://a.test.example:${H2}/begun`, { signal: controller.signal }).then((response) => {
      controller.abort()
      return response.text().catch(() => undefined)
    })
    await client.request({ url: `https://a.test.example:${NONE}/refused` }).catch(() => undefined)
  })
  install(fetch)
  await inSpan('caller 100', async () => (await globalThis.fetch(url(100))).text())
  uninstall()
  const restore = installGlobalDispatcher(new Dispatcher({ client }))
  await inSpan('caller 101', async () => (await builtIn(url(101))).text())
  restore()
  await client.close()
}
