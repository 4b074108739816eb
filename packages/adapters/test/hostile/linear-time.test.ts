/**
 * Text from servers and users is parsed in linear time: a megabyte of one character takes
 * milliseconds.
 */

import { Fields } from '@unshard/core'
import { encodeForm, redirectTarget } from '@unshard/core/internal'
import { hostileTexts, slowTexts } from '@unshard/testkit'
import { readEvents } from '../../src/events/event-stream.js'
import { parseDataUrl } from '../../src/fetch/data-url.js'
import { parseCodings } from '../../src/fetch/decode.js'
import { matchesIntegrity, parseIntegrity } from '../../src/fetch/integrity.js'
import { fetchLocal } from '../../src/fetch/local.js'
import { parseUrl } from '../../src/fetch/location.js'
import { extractMimeType, parseMimeType, serializeMimeType } from '../../src/fetch/mime-type.js'
import { policyOf } from '../../src/fetch/referrer.js'
import { mergeHeaders } from '../../src/fetch/request-headers.js'
import { sentCookies, setCookies } from '../../src/har/cookies.js'
import { Redaction } from '../../src/har/redaction.js'
import { parseDisposition } from '../../src/multipart/disposition.js'
import { multipart } from '../../src/multipart/multipart.js'
import { parseContentRange, strongValidator } from '../../src/streams/content-range.js'
import { toRequest } from '../../src/undici/request-options.js'

const MEGABYTE = 1_000_000
const LIMIT_MS = 50
const dispatched = (more: object): unknown =>
  toRequest({ origin: 'https://a.example', path: '/', method: 'GET', ...more } as never)
const mimeType = (text: string): unknown => {
  const parsed = parseMimeType(text)
  return parsed === undefined ? undefined : serializeMimeType(parsed)
}

const PARSERS: [what: string, parse: (text: string) => unknown, prefixes?: string[]][] = [
  ['a MIME type', mimeType, ['text/html;', 'text/html;a=', 'text/html;a="', 'text/']],
  ['content-type', (text) => extractMimeType(text), ['text/html;a="', 'text/html,']],
  ['content-encoding', (text) => parseCodings(text), ['gzip,']],
  [
    'content-disposition',
    (text) => parseDisposition(text),
    ['form-data;', 'form-data; filename="', "form-data; filename*=utf-8''"],
  ],
  ['content-range', (text) => parseContentRange(text), ['bytes ', 'bytes 1-', 'bytes 1-2/']],
  ['etag', (text) => strongValidator(new Fields(['etag', text]))],
  ['last-modified', (text) => strongValidator(new Fields(['last-modified', text, 'date', text])), ['Mon, ']],
  [
    'Location',
    (text) => redirectTarget('https://a.example/', { headers: new Fields(['location', text]) } as never),
    ['https://', '/'],
  ],
  ['referrer-policy', (text) => policyOf(text)],
  ['integrity', (text) => matchesIntegrity(new Uint8Array(0), parseIntegrity(text)), ['sha256-']],
  ['a request header', (text) => mergeHeaders({ 'x-a': text, [text]: 'x' }, [])],
  ['a URL', (text) => parseUrl(text, 'https://a.example/'), ['https://', '/', '?', '#']],
  ['the description of a data: URL', (text) => parseDataUrl(new URL(`data:${text},x`)), ['text/plain;', ';base64']],
  ['the content of a data: URL', (text) => parseDataUrl(new URL(`data:,${text}`))],
  ['base64 in a data: URL', (text) => parseDataUrl(new URL(`data:;base64,${text}`)), ['AAAA']],
  [
    'a range of a blob: URL',
    (text) => fetchLocal(new URL(URL.createObjectURL(new Blob(['x']))), 'GET', text),
    ['bytes=', 'bytes=1'],
  ],
  [
    'the boundary of multipart',
    (text) => {
      const headers = { get: () => `multipart/mixed${text}` }
      multipart({ headers, url: '', body: null } as never)
        .next()
        .catch(() => undefined)
    },
    [';boundary=', ';boundary="'],
  ],
  ['a field of a recording', (text) => new Redaction([], ['a']).fields(['x-a', text]), ['//', 'https://', '?', '?a=']],
  ['a form of a recording', (text) => new Redaction([], ['a']).form(text), ['a=']],
  [
    'cookies of a recording',
    (text) => [sentCookies(['cookie', text]), setCookies(['set-cookie', text])],
    ['a=b;', 'a=b;expires='],
  ],
  ['a name in a form', (text) => encodeForm(formOf(text.slice(0, 100_000)))],
  ['a path of a dispatch', (text) => dispatched({ path: `/${text}` })],
  ['a header of a dispatch', (text) => dispatched({ headers: { 'x-a': text, connection: text } })],
  ['an origin of a dispatch', (text) => dispatched({ origin: text }), ['https://']],
]

it.each(PARSERS.map(([what, parse, prefixes = []]) => [what, parse, prefixes] as const))('%s', (_what, parse, prefixes) => {
  expect(slowTexts(parse, hostileTexts(MEGABYTE, prefixes), LIMIT_MS)).toEqual([])
})

function formOf(text: string): FormData {
  const form = new FormData()
  form.append(text, text)
  return form
}

/** CPU time of reading an event stream in chunks of a kilobyte, in milliseconds. */
async function readingMs(text: string): Promise<number> {
  const chunks = Array.from({ length: Math.ceil(text.length / 1_024) }, (_, i) => text.slice(i * 1_024, (i + 1) * 1_024))
  const body = new ReadableStream({
    pull(controller) {
      const chunk = chunks.shift()
      if (chunk === undefined) controller.close()
      else controller.enqueue(Buffer.from(chunk))
    },
  })
  const cpu = process.cpuUsage()
  for await (const _event of readEvents(new Response(body as never, { headers: { 'content-type': 'text/event-stream' } })));
  return process.cpuUsage(cpu).user / 1_000
}

/** The least of three readings: a busy machine may delay one. */
async function leastMs(text: string): Promise<number> {
  return Math.min(await readingMs(text), await readingMs(text), await readingMs(text))
}

it('an event stream, in chunks of a kilobyte', async () => {
  for (const text of hostileTexts(MEGABYTE, ['data:', 'id:', 'retry:', ':', 'event: a\n'])) {
    // Streams have a cost per chunk, here a thousand of them. A text that takes seconds on a busy machine is compared with a quarter of
    // it, which takes a quarter of the time, or a sixteenth if the time grows with the square.
    const isSlow = (await readingMs(text)) >= 1_000 && (await leastMs(text)) > 8 * (await leastMs(text.slice(0, text.length / 4)))
    expect([text.slice(0, 20), isSlow]).toEqual([text.slice(0, 20), false])
  }
})
