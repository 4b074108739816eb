/** Targets that fetch refuses, and responses it does not accept. */

import { createServer } from 'node:http'
import { Client } from '@unshard/core'
import { createFetch } from '../../src/index.js'
import { failure, fetchFixtures, PROTOCOLS } from './fixtures.js'

const fixture = fetchFixtures()

it.each([
  'https://a.test.example:25/',
  'https:///a.test.example:25/',
  'https:////a.test.example:25/',
  'http:///a.test.example:6667/x',
])('a blocked port is blocked however the URL is written: %s (Fetch standard §2.9)', async (url) => {
  const { fetch } = await fixture('h2')
  await expect(fetch(url)).rejects.toMatchObject(failure('ERR_BLOCKED_PORT', 'is blocked'))
  // Again: the check of the previous URL must not be reused.
  await expect(fetch(url)).rejects.toMatchObject(failure('ERR_BLOCKED_PORT', 'is blocked'))
})

it('a redirect with two different locations fails ("extract header list values": failure); the same location twice is valid', async () => {
  const { fetch, url, origin } = await fixture('http/1.1', {
    handler: (request, response) => {
      if (request.url === '/two') response.writeHead(302, { location: ['/one', '/other'] as never }).end()
      else if (request.url === '/twice') response.writeHead(302, { location: ['/there', '/there'] as never }).end()
      else response.end('there')
    },
  })
  await expect(fetch(url('/two'))).rejects.toMatchObject(failure('ERR_REDIRECT_TARGET', 'redirect to several URLs'))
  expect(origin.requests).toHaveLength(1)
  expect(await (await fetch(url('/twice'))).text()).toBe('there')
})

it.each(['http', 'https'])('a 407 of the proxy has phase proxy, for %s: origins', async (scheme) => {
  const proxy = createServer((_request, response) => response.writeHead(407, { 'proxy-authenticate': 'Basic' }).end())
  proxy.on('connect', (_request, socket) => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'))
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const name = `http://127.0.0.1:${(proxy.address() as { port: number }).port}`
  const client = new Client({ proxy: name.replace('//', '//user:hunter2@') })
  const failing = createFetch(client)(`${scheme}://a.test.example/`)
  await expect(failing).rejects.toMatchObject({
    ...failure('ERR_PROXY_AUTHENTICATION', /^(?!.*hunter2).*127\.0\.0\.1/),
    cause: { name: 'ConnectError', phase: 'proxy', status: 407, origin: `${scheme}://a.test.example` },
  })
  client.destroy()
  proxy.close()
})

describe.each(PROTOCOLS)('over %s', (protocol) => {
  it('a 407 of the server is a network error (§4.5: "no-window"), and client.request returns it', async () => {
    const { fetch, url, origin } = await fixture(protocol, {
      handler: (_request, response) => response.writeHead(407, { 'proxy-authenticate': 'Basic' }).end('no'),
    })
    await expect(fetch(url())).rejects.toMatchObject({
      ...failure('ERR_PROXY_AUTHENTICATION', '407'),
      cause: { name: 'ResponseError', processed: 'yes' },
    })
    await expect(fetch(url(), { method: 'POST', body: 'x', redirect: 'manual' })).rejects.toMatchObject(
      failure('ERR_PROXY_AUTHENTICATION'),
    )
    expect(origin.requests).toHaveLength(2)
  })

  it('integrity of a response without a body is an error ("If response’s body is null, then run processBodyError")', async () => {
    const { fetch, url } = await fixture(protocol, {
      handler: (request, response) => void response.writeHead(request.url === '/204' ? 204 : 200).end(),
    })
    const integrity = 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
    await expect(fetch(url(), { method: 'HEAD', integrity })).rejects.toMatchObject(failure('ERR_INTEGRITY', 'no body'))
    await expect(fetch(url('/204'), { integrity })).rejects.toMatchObject(failure('ERR_INTEGRITY', 'no body'))
    expect(await (await fetch(url(), { integrity })).text()).toBe('')
  })
})
