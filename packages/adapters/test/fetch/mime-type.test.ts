/** Examples from the MIME Sniffing and Fetch standards and from the web platform tests. */

import { extractMimeType, parseMimeType, serializeMimeType } from '../../src/fetch/mime-type.js'
import { fetchFixtures, PROTOCOLS } from './fixtures.js'

const fixture = fetchFixtures()

it.each<[string, string | undefined]>([
  ['text/html;charset=gbk', 'text/html;charset=gbk'],
  ['TEXT/HTML;CHARSET=GBK', 'text/html;charset=GBK'],
  ['text/html;charset=gbk(', 'text/html;charset="gbk("'],
  ['text/html;x=(;charset=gbk', 'text/html;x="(";charset=gbk'],
  ['text/html;charset=gbk;charset=windows-1255', 'text/html;charset=gbk'],
  ['text/html;charset =gbk', 'text/html'],
  ['text/html ;charset=gbk', 'text/html;charset=gbk'],
  ['text/html; charset=gbk', 'text/html;charset=gbk'],
  ['text/html;charset= gbk', 'text/html;charset=" gbk"'],
  ['text/html;charset= "gbk"', 'text/html;charset=" \\"gbk\\""'],
  ["text/html;charset='gbk'", "text/html;charset='gbk'"],
  ['text/html;charset="gbk"', 'text/html;charset=gbk'],
  ['text/html;charset="gbk', 'text/html;charset=gbk'],
  ['text/html;charset="', 'text/html;charset=""'],
  ['text/html;charset=";charset=foo";charset=GBK', 'text/html;charset=";charset=foo"'],
  ['text/html;charset="\\ gbk"', 'text/html;charset=" gbk"'],
  ['text/html;charset="\\g\\b\\k"', 'text/html;charset=gbk'],
  ['text/html;charset="gbk"x', 'text/html;charset=gbk'],
  ['text/html;charset="";charset=GBK', 'text/html;charset=""'],
  ['text/html;charset=";charset=GBK', 'text/html;charset=";charset=GBK"'],
  ['text/html;";charset=GBK', 'text/html;charset=GBK'],
  ['text/html;test;charset=gbk', 'text/html;charset=gbk'],
  ['text/html;;;;charset=gbk', 'text/html;charset=gbk'],
  ['text/html;test=\u0100;charset=gbk', 'text/html;charset=gbk'],
  ['text/html;charset="\\"', 'text/html;charset="\\""'],
  ['text/html;charset="\\', 'text/html;charset="\\\\"'],
  ['x/x;test', 'x/x'],
  ['x/x;x="\t !\\"#"', 'x/x;x="\t !\\"#"'],
  ['\t x/y \r\n', 'x/y'],
  ['', undefined],
  ['/', undefined],
  ['text', undefined],
  ['text/', undefined],
  ['/html', undefined],
  ['text /html', undefined],
  ['text/ html', undefined],
  ['text/html(', undefined],
  ['bogus', undefined],
])('%j is %j', (text, expected) => {
  const parsed = parseMimeType(text)
  expect(parsed === undefined ? undefined : serializeMimeType(parsed)).toBe(expected)
})

it.each<[string | undefined, string | undefined]>([
  ['text/html;charset=gbk, text/html', 'text/html;charset=gbk'],
  ['text/html;charset=gbk;a=b, text/html;x=y', 'text/html;x=y;charset=gbk'],
  ['text/html;charset=gbk, text/plain', 'text/plain'],
  ['text/html;charset=gbk, x/x, text/html;x=y', 'text/html;x=y'],
  ['text/html, cannot-parse', 'text/html'],
  ['text/html, */*', 'text/html'],
  ['text/html;x=", text/plain"', 'text/html;x=", text/plain"'],
  [',,text/html,,', 'text/html'],
  ['', undefined],
  [undefined, undefined],
])('Fetch standard §3.5, "extract a MIME type": %j becomes %j', (value, expected) => {
  const found = extractMimeType(value)
  expect(found === undefined ? undefined : serializeMimeType(found)).toBe(expected)
})

describe.each(PROTOCOLS)('blob().type over %s', (protocol) => {
  it.each<[string[], string]>([
    [['Text/HTML; Charset=UTF-8'], 'text/html;charset=UTF-8'],
    [['text/plain;charset="utf-8"'], 'text/plain;charset=utf-8'],
    [['text/html;charset=gbk, text/html'], 'text/html;charset=gbk'],
    [['bogus'], ''],
    [['text/'], ''],
    [[], ''],
  ])('%j becomes %j when parsed and serialized', async (types, expected) => {
    const { fetch, url } = await fixture(protocol, {
      handler: (_request, response) => response.writeHead(200, types.length === 0 ? {} : { 'content-type': types[0]! }).end('x'),
    })
    const blob = await (await fetch(url())).blob()
    expect(blob.type.toLowerCase()).toBe(expected.toLowerCase())
  })
})
