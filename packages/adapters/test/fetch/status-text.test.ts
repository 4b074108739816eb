/** `statusText`, which HTTP/2 does not have (RFC 9113 §8.3.1): empty, or with `registeredStatusText` the registered phrase. */

import type { OriginHandler } from '@unshard/testkit'
import { createFetch } from '../../src/index.js'
import { fetchFixtures, PROTOCOLS } from './fixtures.js'

const fixture = fetchFixtures()

/** Answers `/404/PHRASE` with that status, and over HTTP/1.1 with that phrase. */
const handler: OriginHandler = (request, response) => {
  const [, status = '200', phrase] = request.url!.split('/')
  if (status === 'redirect') return void response.writeHead(302, { location: '/404' }).end()
  if (phrase === undefined || response.stream !== undefined) response.writeHead(Number(status))
  else (response as unknown as { writeHead(status: number, phrase: string): void }).writeHead(Number(status), phrase)
  response.end('content')
}

const textOver = { h2: { own: '', none: 'Not Found' }, 'http/1.1': { own: 'Nothing here', none: '' } }

describe.each(PROTOCOLS)('over %s', (protocol) => {
  const isH2 = protocol === 'h2'

  it('without the option it is that of the server, or empty', async () => {
    const { fetch, url } = await fixture(protocol, { handler })
    expect((await fetch(url('/404/Nothing here'.replace(' ', '%20')))).statusText).toBe(isH2 ? '' : 'Nothing%20here')
    expect((await fetch.with({ registeredStatusText: false })(url('/404'))).statusText).toBe(isH2 ? '' : 'Not Found')
  })

  it('with the option it is the registered phrase, and over HTTP/1.1 that of the server', async () => {
    const { fetch, url } = await fixture(protocol, { handler, defaults: { registeredStatusText: true } })
    expect((await fetch(url('/404/Gone'))).statusText).toBe(isH2 ? 'Not Found' : 'Gone')
    expect((await fetch(url('/404/'))).statusText).toBe(isH2 ? textOver.h2.none : textOver['http/1.1'].none)
    expect((await fetch(url('/200'), { method: 'HEAD' })).statusText).toBe('OK')
    expect((await fetch(url('/299'))).statusText).toBe(isH2 ? '' : 'unknown')
  })

  it('also after a redirect, for a copy, with integrity, and in a fetch made from this one', async () => {
    const { fetch, url } = await fixture(protocol, { handler, defaults: { registeredStatusText: true } })
    expect((await fetch(url('/redirect'))).statusText).toBe('Not Found')
    expect((await fetch(url('/404'))).clone().statusText).toBe('Not Found')
    const integrity = 'sha256-7XACtDnprIRfIjV9giusFERzD722AW0+yUMil7nsn3M='
    expect((await fetch(url('/200'), { integrity })).statusText).toBe('OK')
    expect((await fetch.with({ headers: { a: 'b' } })(url('/404'))).statusText).toBe('Not Found')
    expect((await fetch.with({ registeredStatusText: false })(url('/404'))).statusText).toBe(isH2 ? '' : 'Not Found')
  })
})

it('content without a connection has its own', async () => {
  const { fetch } = await fixture('h2', { defaults: { registeredStatusText: true } })
  expect((await fetch('data:,hello')).statusText).toBe('OK')
})

it('an opaque redirect has none', async () => {
  const { fetch, url } = await fixture('h2', {
    handler,
    defaults: { registeredStatusText: true, page: 'https://a.test.example' },
  })
  expect((await fetch(url('/redirect'), { redirect: 'manual' })).statusText).toBe('')
})

it('takes true or false only', async () => {
  const { fetch } = await fixture('h2')
  const options = { registeredStatusText: 'yes' } as never
  expect(() => createFetch(fetch.client, options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
})
