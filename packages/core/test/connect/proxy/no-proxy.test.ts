/** NO_PROXY and the other variables, with vectors of other projects outside the repository. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Environment, proxiesOf } from '../../../src/connect/proxy/environment.js'
import { NoProxy } from '../../../src/connect/proxy/no-proxy.js'
import { parseOrigin } from '../../../src/index.js'

const corpora = process.env['UNSHARD_CORPORA'] ?? fileURLToPath(new URL('../../../../../../shared/corpora', import.meta.url))
const vectors = join(corpora, 'vectors')

interface NoProxyVector {
  readonly source: string
  readonly host: string
  readonly no_proxy: string
  readonly bypass: boolean
}

interface EnvironmentVector {
  readonly env: Record<string, string>
  readonly url: string | null
  readonly expected_proxy: string
}

/** Returns the proxy for a URL, or an empty string for a direct connection. */
function proxyFor(env: Environment, url: string | null): string {
  let origin: ReturnType<typeof parseOrigin>
  try {
    origin = parseOrigin(url as string)
  } catch {
    return ''
  }
  const proxy = proxiesOf(env)(origin)
  return proxy === undefined ? '' : `${proxy.scheme}://${proxy.host}`
}

/**
 * Differences between Go and curl, each with curl's rule. docs/guides/proxies.md has the same list.
 */
const GO_DIFFERENCES = new Map([
  ['localhost', 'Go never uses a proxy for localhost; curl does unless NO_PROXY names it'],
  ['127.0.0.2', 'Go never uses a proxy for loopback addresses; curl does unless NO_PROXY names them'],
  ['[::1]', 'Go never uses a proxy for loopback addresses; curl does unless NO_PROXY names them'],
  ['barbaz.net', 'a leading dot: Go takes only what is below the name, curl the name as well'],
])

interface Rule {
  readonly rule: string
  readonly when: (vector: EnvironmentVector) => boolean
}

/** Maps `HTTP_PROXY` to `http_proxy`, so that only NO_PROXY is tested. */
function lowerCased({ env, ...rest }: EnvironmentVector): EnvironmentVector {
  const { HTTP_PROXY, ...others } = env
  return { ...rest, env: HTTP_PROXY === undefined ? env : { ...others, http_proxy: HTTP_PROXY } }
}

const hostOf = ({ url }: EnvironmentVector): string => new URL(url!).hostname
const listOf = ({ env }: EnvironmentVector): string => env['NO_PROXY'] ?? ''

const ENVIRONMENT_RULES: readonly Rule[] = [
  {
    rule: 'a name stands for all names below it, too',
    when: (v) => /^(sub\.)?example$/.test(listOf(v)) && hostOf(v).endsWith(`.${listOf(v)}`),
  },
  { rule: 'a leading dot includes the name itself', when: (v) => listOf(v) === '.example' && hostOf(v) === 'example' },
  { rule: '* stands alone, it is no pattern', when: (v) => listOf(v).startsWith('*') && listOf(v) !== '*' },
  { rule: 'a port of 0 is no default port', when: (v) => v.url!.endsWith(':0') && listOf(v).includes(':') },
  { rule: 'a value without a scheme means http', when: (v) => v.env['ALL_PROXY'] === 'noscheme' && v.url!.startsWith('https:') },
  { rule: 'address/prefix is a network', when: (v) => listOf(v).includes('/') },
  { rule: 'an invalid URL is not requested from any proxy', when: (v) => v.url === 'http://bad%' },
]

describe('NoProxy', () => {
  it.each([
    ['a.example', 443, '', false],
    ['a.example', 443, '*', true],
    ['a.example', 443, '*,b.example', false],
    ['a.example', 443, ' * ', false],
    ['a.example', 443, ',,a.example', true],
    ['a.example', 443, '.', false],
    ['a.example', 443, 'A.EXAMPLE.', true],
    ['a.example.', 443, '.a.example', true],
    ['b.a.example', 443, 'a.example', true],
    ['ba.example', 443, 'a.example', false],
    ['a.example', 443, 'a.example:443', true],
    ['a.example', 8443, 'a.example:443', false],
    ['a.example', 443, 'b.example\ta.example', false],
    ['2001:db8::1', 443, '[2001:db8::1]', true],
    ['2001:db8::1', 443, '[2001:db8::1]:443', true],
    ['2001:db8::1', 443, '[2001:db8::1]:80', false],
    ['2001:db8::1', 443, '2001:DB8:0::0:1', true],
    ['2001:db8::1', 443, '[2001:db8::]/32', false],
    ['2001:db8::1', 443, '2001:db8::/32', true],
    ['10.1.2.3', 443, '10.0.0.0/8', true],
    ['10.1.2.3', 443, '10.0.0.0/8/8', false],
    ['10.1.2.3', 443, '10.0.0.0/', false],
    ['10.1.2.3', 443, '10.1.2.3/-1', false],
    ['10.1.2.3', 443, '3', false],
    ['10.1.2.3', 443, '.2.3', false],
    ['10.1.2.3', 443, '10.1.2.3:443', true],
    ['1.example', 443, '1.example/8', false],
  ])('%s:%i with the list %j bypasses the proxy: %s', (host, port, list, bypass) => {
    expect(new NoProxy(list).matches(host, port)).toBe(bypass)
  })
})

if (existsSync(vectors)) describeVectors()
else {
  console.log(`no corpora at ${corpora}: third-party proxy vectors are not tried (set UNSHARD_CORPORA)`)
  it('third-party vectors are not available', () => expect(existsSync(vectors)).toBe(false))
}

function describeVectors(): void {
  const noProxy = JSON.parse(readFileSync(join(vectors, 'no-proxy-vectors.json'), 'utf8')) as NoProxyVector[]
  const environment = JSON.parse(readFileSync(join(vectors, 'proxy-env-vectors.json'), 'utf8')) as EnvironmentVector[]

  it.each(noProxy.map((vector, i) => [i, vector.host, vector.no_proxy.slice(0, 60), vector] as const))(
    'vector %i of NO_PROXY has the expected result: %s with %j',
    (_i, host, _list, vector) => {
      const differs = vector.source.startsWith('golang.org') && GO_DIFFERENCES.has(host)
      const unbracketed = host.replace(/^\[|\]$/g, '')
      expect(new NoProxy(vector.no_proxy).matches(unbracketed, 80)).toBe(differs ? !vector.bypass : vector.bypass)
    },
  )

  it.each(environment.map((vector, i) => [i, JSON.stringify(vector.env).slice(0, 60), vector.url, lowerCased(vector)] as const))(
    'vector %i of the environment has the expected result: %s, %s',
    (_i, _env, _url, vector) => {
      const { env, url, expected_proxy } = vector
      // An invalid URL causes an error, instead of a name that does not resolve.
      if (/crazy/i.test(env['http_proxy'] ?? '')) {
        expect(() => proxiesOf(env)).toThrow('environment variable http_proxy is not a valid URL')
        return
      }
      const rule = expected_proxy === proxyFor(env, url) ? undefined : ENVIRONMENT_RULES.find(({ when }) => when(vector))?.rule
      // Any other difference must have a rule of curl.
      if (rule === undefined) expect(proxyFor(env, url)).toBe(expected_proxy)
    },
  )

  it('every difference has a rule, and every rule has a difference', () => {
    const excused = ENVIRONMENT_RULES.map(
      ({ rule, when }) =>
        `${rule}: ${environment.map(lowerCased).filter((v) => /crazy/i.test(v.env['http_proxy'] ?? '') === false && proxyFor(v.env, v.url) !== v.expected_proxy && when(v)).length}`,
    )
    expect(excused).toEqual([
      'a name stands for all names below it, too: 3',
      'a leading dot includes the name itself: 2',
      '* stands alone, it is no pattern: 8',
      'a port of 0 is no default port: 1',
      'a value without a scheme means http: 1',
      'address/prefix is a network: 1',
      'an invalid URL is not requested from any proxy: 1',
    ])
  })

  it('HTTP_PROXY in upper case is not read (httpoxy): all vectors with it use a direct connection', () => {
    const upper = environment.filter(({ env }) => env['HTTP_PROXY'] !== undefined && env['ALL_PROXY'] === undefined)
    expect(upper.length).toBeGreaterThan(40)
    for (const { env, url } of upper) if (url?.startsWith('http:')) expect(proxyFor(env, url)).toBe('')
  })
}

describe('proxiesOf', () => {
  const of = (env: Environment, url: string): string | undefined => proxiesOf(env)(parseOrigin(url))?.name
  const http = 'http://a.example'
  const https = 'https://a.example'

  it('lower case takes precedence over upper case, and an empty value is not set', () => {
    expect(of({ https_proxy: 'http://low', HTTPS_PROXY: 'http://up' }, https)).toBe('http://low:80')
    expect(of({ https_proxy: '', HTTPS_PROXY: 'http://up' }, https)).toBe('http://up:80')
    expect(of({ https_proxy: '', HTTPS_PROXY: '', ALL_PROXY: 'socks5://all' }, https)).toBe('socks5://all:1080')
    expect(of({ all_proxy: 'http://low', ALL_PROXY: 'http://up' }, http)).toBe('http://low:80')
    expect(of({ no_proxy: '', NO_PROXY: 'a.example', all_proxy: 'http://p' }, http)).toBeUndefined()
    expect(of({ no_proxy: 'b.example', NO_PROXY: 'a.example', all_proxy: 'http://p' }, http)).toBe('http://p:80')
  })

  it('http_proxy applies only to http, and https_proxy only to https', () => {
    const env = { http_proxy: 'http://one', https_proxy: 'https://two:1' }
    expect([of(env, http), of(env, https)]).toEqual(['http://one:80', 'https://two:1'])
    expect([of({ http_proxy: 'http://one' }, https), of({ https_proxy: 'http://two' }, http)]).toEqual([undefined, undefined])
  })

  it('a value without a scheme means http, and may have credentials and a port', () => {
    expect(of({ all_proxy: 'proxy.example:3128' }, https)).toBe('http://proxy.example:3128')
    const proxy = proxiesOf({ all_proxy: 'u:p@proxy.example:3128' })(parseOrigin(https))!
    expect(proxy).toMatchObject({ name: 'http://proxy.example:3128', fields: ['proxy-authorization', 'Basic dTpw'] })
  })

  it('an invalid proxy causes an error with the name of the variable and without its value', () => {
    for (const name of ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'all_proxy', 'ALL_PROXY']) {
      expect(() => proxiesOf({ [name]: 'ftp://secret@x' })).toThrow(
        expect.objectContaining({
          code: 'ERR_INVALID_OPTION',
          message: expect.stringMatching(new RegExp(`environment variable ${name} has scheme "ftp:"(?!.*secret)`)),
        }),
      )
    }
  })
})
