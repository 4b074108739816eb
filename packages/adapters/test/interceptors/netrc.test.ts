/** `netrc()`: the syntax of the file, which entry counts, and which requests get its credentials. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { netrc } from '../../src/interceptors/index.js'
import { parseNetrc } from '../../src/interceptors/netrc-file.js'
import { testEnvironment } from '../environment.js'
import { counted, URL_ } from './fixture.js'
import { authorizations } from './redirects.js'

const environment = testEnvironment()
const origins = ['https://a.test.example']
let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unshard-netrc-'))
  path = join(folder, 'netrc')
})
afterEach(() => rm(folder, { recursive: true }))

it.each<[string, object]>([
  ['machine a login u password p', { a: { login: 'u', password: 'p' } }],
  ['machine A\n\tlogin u\r\n\tpassword p\n', { a: { login: 'u', password: 'p' } }],
  ['machine a login "u \\"x\\"" password "p\\\\ \\t#"', { a: { login: 'u "x"', password: 'p\\ \t#' } }],
  ['# machine c login u\nmachine a login u#1 password p # end', { a: { login: 'u#1', password: 'p' } }],
  ['machine a login u account x password p', { a: { login: 'u', password: 'p' } }],
  ['machine a login u password p\nmachine a login other', { a: { login: 'u', password: 'p' } }],
  ['macdef m\nmachine c\nlogin x\n\nmachine a login u password p', { a: { login: 'u', password: 'p' } }],
  ['machine a login u macdef m\nput x\n \nmachine b login v', { a: { login: 'u' }, b: { login: 'v' } }],
  ['macdef m', {}],
  ['machine a login u\ndefault login d password p', { a: { login: 'u' }, '': { login: 'd', password: 'p' } }],
  ['machine a login password password login', { a: { login: 'password', password: 'login' } }],
  ['machine a login "u', { a: { login: 'u' } }],
  ['machine a login', { a: { login: '' } }],
  ['machine', { '': {} }],
  ['login u unknown', {}],
  ['', {}],
])('parses %j', (text, expected) => {
  expect(Object.fromEntries(parseNetrc(text))).toEqual(expected)
})

it.each<[string, string]>([
  ['machine a.test.example login u password p default login d password p', 'u:p'],
  ['machine b.test.example login u password p default login d password p', 'd:p'],
])('%j', async (text, credentials) => {
  await writeFile(path, text)
  for (const given of [path, pathToFileURL(path)]) {
    const { client } = counted([netrc({ origins, path: given })], ({ headers }) => ({ json: headers.get('authorization') }))
    expect(await (await client.request({ url: URL_ })).json()).toBe(`Basic ${Buffer.from(credentials).toString('base64')}`)
    expect(await (await client.request({ url: URL_, headers: { authorization: 'own' } })).json()).toBe('own')
  }
})

it('the file of the variable NETRC is read once, at creation', async () => {
  await writeFile(path, 'default login u password p')
  const before = process.env['NETRC']
  process.env['NETRC'] = path
  try {
    const interceptor = netrc({ origins })
    await writeFile(path, '')
    const { client } = counted([interceptor], ({ headers }) => ({ json: headers.get('authorization') }))
    expect(await (await client.request({ url: URL_ })).json()).toBe('Basic dTpw')
  } finally {
    if (before === undefined) delete process.env['NETRC']
    else process.env['NETRC'] = before
  }
})

it('a redirect to a foreign host gets no credentials, even with a default entry, and one back gets them', async () => {
  await writeFile(path, 'default login u password p')
  const seen = await authorizations(environment, (origin) => netrc({ origins: [origin], path }))
  expect(seen).toEqual({ '/start': 'Basic dTpw', '/foreign': undefined, '/back': 'Basic dTpw' })
})

it.each<[string, string | undefined, object, string]>([
  ['a missing file', undefined, {}, 'cannot be read'],
  ['a host without an entry', 'machine other login u password secret', {}, 'no login and password'],
  ['an entry without a password', 'machine a.test.example login secret', {}, 'no login and password'],
  ['a login with a colon', 'machine a.test.example login "sec:ret" password p', {}, 'username'],
  ['a path of another type', '', { path: 5 }, 'path'],
  ['no origins', 'default login u password p', { origins: [] }, 'origins'],
  ['an unknown option', '', { file: 'x' }, 'file'],
])('refuses %s, and the error shows no credentials', async (_what, text, options, part) => {
  if (text !== undefined) await writeFile(path, text)
  let message = ''
  try {
    netrc({ origins, path, ...options })
  } catch (error) {
    expect(error).toMatchObject({ name: 'UsageError' })
    message = (error as Error).message
  }
  expect(message).toContain(part)
  expect(message).not.toMatch(/sec(:)?ret/)
})
