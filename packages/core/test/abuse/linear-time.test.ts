/** Untrusted input is parsed in linear time: 1 MB of one character takes ms (RFC 9110 §17.5). */

import { hostileTexts, slowTexts } from '@unshard/testkit'
import { retryAfterMs } from '../../src/client/status-retry.js'
import { NoProxy } from '../../src/connect/proxy/no-proxy.js'
import { checkProxy } from '../../src/connect/proxy/proxy-options.js'
import { OriginSet } from '../../src/h2/origin-set.js'
import { parseAltSvc, parseOrigins } from '../../src/h2/protocol/connection-frames.js'
import { parseFieldSection } from '../../src/h2/protocol/field-section.js'
import { checkFields } from '../../src/message/fields.js'
import { parseRequestUrl } from '../../src/message/origin.js'
import { checkRequest } from '../../src/message/request.js'

const MEGABYTE = 1_000_000
const LIMIT_MS = 50
const section = (...fields: string[]): unknown => parseFieldSection({ fields: [':status', '200', ...fields] } as never)
const originSet = (): OriginSet => new OriginSet({ origin: { scheme: 'https', serialized: 'https://a.example' } } as never)

const PARSERS: [what: string, parse: (text: string) => unknown, prefixes?: string[]][] = [
  ['a request’s field value', (text) => checkFields({ 'x-a': text })],
  ['a request’s field name', (text) => checkFields({ [text]: 'x' })],
  ['a request’s connection field', (text) => checkFields({ connection: text })],
  ['a request’s te field', (text) => checkFields({ te: text })],
  ['a request’s host field', (text) => checkFields({ host: text })],
  ['a request’s content-length', (text) => checkFields({ 'content-length': text })],
  ['a request’s cookie', (text) => checkFields({ cookie: text })],
  ['a request’s method', (text) => checkRequest({ url: 'https://a.example/', method: text })],
  ['the path of a URL', (text) => parseRequestUrl(`https://a.example/${text}`)],
  ['the host of a URL', (text) => parseRequestUrl(`https://${text.slice(0, 100_000)}/`)],
  ['a response’s field value', (text) => section('x-a', text)],
  ['a response’s field name', (text) => section(text, 'x')],
  ['a response’s content-length', (text) => section('content-length', text), ['5, ']],
  ['a repeated content-length', (text) => section('content-length', '5', 'content-length', text)],
  ['a status', (text) => parseFieldSection({ fields: [':status', text] } as never)],
  ['a pseudo-field', (text) => parseFieldSection({ fields: [`:${text}`, text] } as never)],
  ['Retry-After', (text) => retryAfterMs(text), ['Mon, ', 'Mon']],
  ['NO_PROXY', (text) => new NoProxy(text).matches('a.example', 443)],
  ['a proxy’s URL', (text) => checkProxy(text, 'proxy'), ['http://', 'http://user:', 'socks5://']],
  ['an entry of ORIGIN', (text) => originSet().add([text]), ['https://']],
  ['ORIGIN', (text) => parseOrigins(Buffer.from(text), 0, text.length)],
  ['ALTSVC', (text) => parseAltSvc(Buffer.from(text), 0, text.length)],
]

it.each(PARSERS.map(([what, parse, prefixes = []]) => [what, parse, prefixes] as const))(
  '1 MB is parsed in linear time: %s',
  (_what, parse, prefixes) => {
    expect(slowTexts(parse, hostileTexts(MEGABYTE, prefixes), LIMIT_MS)).toEqual([])
  },
)
