/**
 * No regular expression in the source has unbounded repetition over external input, where parsing a
 * megabyte could block. Scans the source.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const packages = fileURLToPath(new URL('../../../../packages', import.meta.url))

/** Reasons why each of these takes linear time or never gets external input. */
const JUSTIFIED: Readonly<Record<string, string>> = {
  'core/src/connect/tls/tls-connector.ts /^TLS_(EC)?DHE_.*_(GCM|CCM|CHACHA20)(_|$)/':
    'the name of a cipher suite, which OpenSSL gives',
  'core/src/connect/proxy/http1-connect.ts /^HTTP\\/1\\.[01] ([1-9][0-9]{2})(?: (.*))?$/s':
    'one repetition, to the end of a line of bounded length',
  'adapters/src/smithy/request-options.ts /^[a-z][a-z0-9+.-]*:$/i': 'anchored, and ends at the first colon',
  'core/src/connect/proxy/environment.ts /^[a-z][a-z0-9+.-]*:\\/\\//i': 'anchored, one class, and only one way to match',
  'core/src/connect/proxy/no-proxy.ts /^\\[([^\\]]*)\\](?::([0-9]{1,5}))?$/': 'anchored, and ends at the first bracket',
  'core/src/connect/proxy/no-proxy.ts /^([^:]*):([0-9]{1,5})$/': 'anchored, and ends at the first colon',
  'core/src/connect/tls/tls-options.ts /^(?=.{1,253}$)[\\w-]{1,63}(\\.[\\w-]{1,63})*$/': 'at most 253 characters',
  'core/src/client/status-retry.ts /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\\w*,? .+ (?:GMT|\\d{4})$/': 'at most 64 characters',
  'coalescing/src/host-name.ts /(?:^|\\.)(?:\\d+|0x[0-9a-f]*)$/': 'at most 253 characters',
  'adapters/src/multipart/disposition.ts /^[\\x20-\\x7e]*[\\x80-\\xff]/': 'anchored, disjoint classes',
  'adapters/src/streams/content-range.ts /^"[\\x21\\x23-\\x7e\\x80-\\xff]*"$/': 'anchored, and the class has no quote',
  'adapters/src/har/redaction.ts /(^|[:<"\'\\s=(,;])\\/\\/[^/?#\\s]*@/g':
    'begins with slashes, which the repeated class does not have',
  'adapters/src/har/redaction.ts /([?&#])([^=&#?\\s<>"]+)=([^&#\\s<>"]*)/g':
    'begins with a character that the first class does not have; the second one always matches',
  'unshard/src/cli/values.ts /^[a-z][a-z0-9+.-]*:\\/\\//i': 'anchored, one class; the input comes from the user of the command',
}

/** One repeated class from beginning to end: there is only one way to match it. */
const ONE_CLASS = /^\/\^(?:\\.|\[(?:\\.|[^\]\\])*\])[+*]\$\/[a-z]*$/

interface Found {
  readonly file: string
  readonly expression: string
}

function sources(): string[] {
  return ['core', 'coalescing', 'adapters', 'unshard'].flatMap((name) =>
    readdirSync(`${packages}/${name}/src`, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `${name}/src/${file}`),
  )
}

/**
 * Returns the regular expressions of a file: from a slash in the position of a value to the closing
 * slash.
 */
function expressionsOf(file: string): Found[] {
  const found: Found[] = []
  for (const line of readFileSync(`${packages}/${file}`, 'utf8').split('\n')) {
    const text = line.trim()
    if (text.startsWith('*') || text.startsWith('//') || text.startsWith('/*')) continue
    for (const match of line.matchAll(
      /(?:^|[=(,:!&|?[{;]|return|case)\s*(\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\[])+\/[dgimsuvy]*)/g,
    )) {
      found.push({ file, expression: match[1]! })
    }
  }
  return found
}

/** Whether something is repeated without bound, outside of classes. */
function repeats(expression: string): boolean {
  const bare = expression.replace(/\\./g, 'x').replace(/\[[^\]]*\]/g, 'c')
  return /[*+]|\{\d+,\}/.test(bare)
}

const all = sources().flatMap(expressionsOf)

it('finds regular expressions', () => {
  expect(all.length).toBeGreaterThan(30)
  expect(repeats('/^a{1,3}$/')).toBe(false)
  expect(repeats('/[*+]/')).toBe(false)
  expect(repeats('/\\*/')).toBe(false)
  for (const bad of ['/ +$/', '/^[ ]+|[ ]+$/g', '/a{2,}/', '/(a|b)*/', '/; *base64$/i'])
    expect([bad, repeats(bad), ONE_CLASS.test(bad)]).toEqual([bad, true, false])
})

it('each unbounded repetition is a single anchored class, or is justified', () => {
  const unjustified = all
    .filter(({ expression }) => repeats(expression) && !ONE_CLASS.test(expression))
    .map(({ file, expression }) => `${file} ${expression}`)
    .filter((found) => !Object.hasOwn(JUSTIFIED, found))
  expect(unjustified).toEqual([])
})

it('every justification is used', () => {
  const known = new Set(all.map(({ file, expression }) => `${file} ${expression}`))
  expect(Object.keys(JUSTIFIED).filter((found) => !known.has(found))).toEqual([])
})
