/** `waterfallPage()`: which recordings it accepts, what it takes from them, and that nothing in them ends its element. */

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { UsageError } from '@unshard/core'
import { mockClient } from '@unshard/core/testing'
import { recordHar } from '../../src/har/index.js'
import { waterfallPage } from '../../src/inspect/index.js'
import { harFiles } from '../har/fixture.js'
import { dataOf } from './fixture.js'

const files = harFiles()

/** The entries of a page that is made of entries of HAR. */
const entriesOf = (...entries: unknown[]) => dataOf(waterfallPage({ log: { entries } })).entries

it('takes a recording of recordHar(), parsed or as text, and leaves out its bodies', async () => {
  const { client } = mockClient(() => ({ body: 'the content of the response' }))
  const recorder = recordHar(client, files.path, { bodies: {} })
  await (await client.post('https://api.example/a/b?c=d', { json: { id: 1 } })).text()
  await recorder.stop()
  const text = await readFile(files.path, 'utf8')
  expect(text).toContain('the content of the response')
  const html = waterfallPage(text)
  expect(html).not.toContain('the content of the response')
  expect(waterfallPage(JSON.parse(text) as { log: object })).toBe(html)
  expect(waterfallPage(`\ufeff${text}`)).toBe(html)
  expect(dataOf(html)).toMatchObject({
    ...{ title: 'Requests', notes: [], creator: expect.stringMatching(/^recorded by unshard \d/) },
    entries: [{ id: 0, isPending: false, method: 'POST', host: 'api.example', path: '/a/b?c=d', status: 200, receivedBytes: 27 }],
  })
})

it('admits its own script and style by their hashes, and nothing else', () => {
  const html = waterfallPage({ log: { entries: [] } })
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)![1]!
  const hashOf = (element: string): string =>
    createHash('sha256')
      .update(new RegExp(`<${element}>([\\s\\S]*?)</${element}>`).exec(html)![1]!)
      .digest('base64')
  expect(policy.split('; ')).toEqual([
    ...["default-src 'none'", `script-src 'sha256-${hashOf('script')}'`, `style-src 'sha256-${hashOf('style')}'`],
    ...['img-src data:', "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'"],
  ])
  expect(html.match(/<(?:script|style)[^>]*>/g)).toEqual(['<style>', '<script type="application/json" id="data">', '<script>'])
  expect(html).not.toMatch(/ (?:src|style|on[a-z]+)=/)
})

it('divides the time into phases, with TLS apart from the connection', () => {
  const timings = { blocked: 1, dns: 2, connect: 30, ssl: 20, send: 3, wait: 4, receive: 5 }
  expect(entriesOf({ timings })).toMatchObject([{ phases: [1, 2, 10, 20, 3, 4, 5], durationMs: 45 }])
  expect(entriesOf({ timings: { ...timings, connect: 10 } })).toMatchObject([{ phases: [1, 2, 10, 20, 3, 4, 5] }])
  expect(entriesOf({ time: 12 })).toMatchObject([{ phases: [-1, -1, -1, -1, -1, -1, -1], durationMs: 12 }])
})

describe('recordings of other programs', () => {
  it('Chrome: connections have ids, and sizes are those of the transfer', () => {
    const entry = {
      ...{
        startedDateTime: '2026-01-02T03:04:05.678Z',
        time: 20,
        serverIPAddress: '[2001:db8::1]',
        connection: '1412',
        _connectionId: '1412',
      },
      request: {
        method: 'GET',
        url: 'https://a.example/',
        httpVersion: 'http/2.0',
        headers: [{ name: ':authority', value: 'a.example' }],
      },
      response: {
        status: 200,
        httpVersion: 'http/2.0',
        headers: [],
        _transferSize: 300,
        bodySize: -1,
        content: { size: 900, mimeType: 'x' },
      },
      timings: { blocked: 2, dns: -1, ssl: -1, connect: -1, send: 1, wait: 10, receive: 7, _blocked_queueing: 1 },
    }
    expect(entriesOf(entry)).toMatchObject([{ connection: '1412', protocol: 'h2', receivedBytes: 300, address: '[2001:db8::1]' }])
  })

  it('Firefox: a port in place of a connection is not a connection', () => {
    const entry = (host: string) => ({ connection: '443', serverIPAddress: '192.0.2.1', request: { url: `https://${host}/` } })
    const page = dataOf(waterfallPage({ log: { entries: [entry('a.example'), entry('b.example')] } }))
    expect(page.entries.map(({ connection }) => connection)).toEqual(['', ''])
    expect(page.notes).toEqual([expect.stringContaining('does not say which connection')])
  })

  it('one name with two addresses is not a connection', () => {
    const entry = (serverIPAddress: string) => ({ connection: '8443', serverIPAddress, request: { url: 'https://a.example/' } })
    expect(entriesOf(entry('192.0.2.1'), entry('192.0.2.2')).map(({ connection }) => connection)).toEqual(['', ''])
  })

  it('Charles: members are missing', () => {
    const entry = {
      startedDateTime: '2026-01-02T03:04:05.678+02:00',
      time: 20,
      request: { method: 'GET', url: 'http://a.example' },
    }
    expect(entriesOf(entry)).toMatchObject([
      { host: 'a.example', path: '/', status: 0, startMs: Date.UTC(2026, 0, 2, 1, 4, 5, 678) },
    ])
  })

  it('user info in a URL is not a part of the host', () => {
    expect(entriesOf({ request: { url: 'https://user:secret@a.example/b' } })).toMatchObject([{ host: 'a.example', path: '/b' }])
  })

  it('the title is that of the first page, unless one is given', () => {
    const har = { log: { entries: [], pages: [{ title: 'https://a.example/ & more' }] } }
    expect(dataOf(waterfallPage(har)).title).toBe('https://a.example/ & more')
    expect(waterfallPage(har)).toContain('<title>https://a.example/ &amp; more</title>')
    expect(dataOf(waterfallPage(har, { title: 'mine' })).title).toBe('mine')
  })

  it('only the first 20,000 requests are drawn, and the page says so', () => {
    const page = dataOf(waterfallPage({ log: { entries: Array.from({ length: 20_001 }, () => ({})) } }))
    expect([page.entries.length, page.notes[0]]).toEqual([20_000, 'The page shows the first 20000 of 20001 requests.'])
  })
})

it.each([
  null,
  1,
  'entry',
  [],
  { request: null, response: 1, timings: 'x' },
  {
    startedDateTime: 'never',
    time: Number.NaN,
    request: { url: 1, method: {}, headers: {} },
    response: { headers: [null, 1, {}] },
  },
  { timings: { wait: Number.POSITIVE_INFINITY, send: '1', blocked: -5 }, response: { status: 1e9, bodySize: Number.NaN } },
  { startedDateTime: '+275760-09-13T00:00:00.001Z', connection: {}, _because: [], _error: { toString: null }, _coalesced: 'yes' },
])('members that are missing or of another type break nothing: %j', (entry) => {
  const [made] = entriesOf(entry, { startedDateTime: '2026-01-01T00:00:00Z' })
  const { startMs, durationMs, phases, status } = made!
  expect([startMs, durationMs, status, ...phases].every((each) => Number.isFinite(each))).toBe(true)
  expect(startMs).toBe(Date.UTC(2026, 0, 1))
  expect(status).toBeLessThan(1000)
})

it('text is escaped: nothing ends the element, and nothing is invisible', () => {
  const hostile = `</script><script>alert(1)</script><!--\u0000\u001b\u007f\u0085\u200e\u202e\u2066\u2028\ufeff\ud800\u3164`
  const fields = [{ name: hostile, value: hostile }]
  const entry = {
    request: { method: 'GET', url: `https://a.example/${hostile}`, headers: fields },
    _error: hostile,
    connection: hostile,
  }
  const html = waterfallPage({ log: { entries: [entry], comment: hostile, creator: { name: hostile } } }, { title: hostile })
  expect(html.match(/<\/script>/g)).toHaveLength(2)
  expect(html.match(/<!--|<script>alert/g)).toBe(null)
  const shown =
    '</script><script>alert(1)</script><!--\\u{0}\\u{1b}\\u{7f}\\u{85}\\u{200e}\\u{202e}\\u{2066}\\u{2028}\\u{feff}\\u{d800}\\u{3164}'
  const data = dataOf(html)
  expect(data).toMatchObject({ title: shown, notes: [shown], creator: `recorded by ${shown}` })
  expect(data.entries).toMatchObject([{ path: `/${shown}`, error: shown, requestFields: [[shown, shown]] }])
})

it('text and fields have a maximum length', () => {
  const long = 'x'.repeat(100_000)
  const headers = Array.from({ length: 1_000 }, (_, i) => ({ name: `n${i}`, value: long }))
  const [entry] = entriesOf({ request: { url: `https://a.example/${long}`, headers }, response: { headers }, _error: long })
  expect(JSON.stringify(entry).length).toBeLessThan(40_000)
  expect(entry!.requestFields.at(-1)![1]).toMatch(/^\d+ fields are not shown$/)
})

it.each<[unknown, RegExp]>([
  ['{', /the HAR document is not JSON/],
  ['[]', /not a HAR document: it has no list log.entries/],
  [{}, /not a HAR document/],
  [{ log: { entries: {} } }, /not a HAR document/],
  [undefined, /not a HAR document: it has no list log.entries: undefined/],
  [42, /not a HAR document/],
])('refuses %j', (har, message) => {
  expect(() => waterfallPage(har as string)).toThrow(UsageError)
  expect(() => waterfallPage(har as string)).toThrow(
    expect.objectContaining({ code: 'ERR_HAR_FILE', message: expect.stringMatching(message) }),
  )
})

it.each([
  [{ titel: 'x' }, 'ERR_UNKNOWN_OPTION'],
  [{ title: 1 }, 'ERR_INVALID_OPTION'],
  [1, 'ERR_INVALID_OPTION'],
])('refuses the options %j', (options, code) => {
  expect(() => waterfallPage({ log: { entries: [] } }, options as object)).toThrow(expect.objectContaining({ code }))
})
