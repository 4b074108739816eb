/** The arguments of `unshard probe`. */

import { optionsOf } from '../../../src/cli/probe/command.js'
import { originOf } from '../../../src/cli/values.js'
import { failureOf } from '../in-process.js'

const values = { path: '/', resolve: [], timeout: '10' }
const options = { send: false, path: '/', resolve: new Map(), ca: undefined, timeoutMs: 10_000 }

it.each([
  [
    { send: true, path: '/x' },
    { send: true, path: '/x' },
  ],
  [{ timeout: '0.5' }, { timeoutMs: 500 }],
  [{ timeout: '1.0009' }, { timeoutMs: 1_001 }],
  [{ timeout: '1e-9' }, { timeoutMs: 1 }],
  [{ resolve: ['Bücher.example=192.0.2.1'] }, { resolve: new Map([['xn--bcher-kva.example', ['192.0.2.1']]]) }],
  [
    { resolve: ['A.example=192.0.2.1,2001:db8::1', 'b.example=192.0.2.2'] },
    {
      resolve: new Map([
        ['a.example', ['192.0.2.1', '2001:db8::1']],
        ['b.example', ['192.0.2.2']],
      ]),
    },
  ],
])('the values %j make the options %j', (given, differing) => {
  expect(optionsOf({ ...values, ...given })).toEqual({ ...options, ...differing })
})

it.each([
  ['a.example', 'https://a.example'],
  ['https://B.example:8443/x', 'https://b.example:8443'],
  ['https://a.example:443', 'https://a.example'],
  ['http://a.example', 'http://a.example'],
])('%s is the origin %s', (text, origin) => {
  expect(originOf(text)).toBe(origin)
})

it.each([
  [['probe'], "missing required argument 'origin'"],
  [['probe', 'ftp://a.example'], '"ftp://a.example" is not a valid origin'],
  [['probe', 'https://'], '"https://" is not a valid origin'],
  [['probe', 'https://user:secret@a b/'], '"https://a b/" is not a valid origin'],
  [['probe', 'a.example', '--path', 'x'], '--path must begin with a slash, not "x"'],
  [['probe', 'a.example', '--resolve', 'a.example'], '--resolve takes HOST=ADDRESS[,ADDRESS…], not "a.example"'],
  [
    ['probe', 'a.example', '--resolve', 'a.example=b.example'],
    '--resolve takes HOST=ADDRESS[,ADDRESS…], not "a.example=b.example"',
  ],
  [
    ['probe', 'a.example', '--resolve', 'a.example:443=192.0.2.1'],
    '--resolve takes HOST=ADDRESS[,ADDRESS…], not "a.example:443=192.0.2.1"',
  ],
  [['probe', 'a.example', '--timeout', '0'], '--timeout takes seconds above 0, not "0"'],
  [['probe', 'a.example', '--timeout', ''], '--timeout takes seconds, at most 2147483, not ""'],
  [['probe', 'a.example', '--cacert', '/nowhere/ca.pem'], '--cacert: ENOENT'],
  [['probe', 'a.example', '--frobnicate'], "unknown option '--frobnicate'"],
])('%j is refused in one line, with a hint at --help', async (argv, message) => {
  const { exitCode, lines } = await failureOf(argv)
  expect(lines[0]).toContain(`unshard: ${message}`)
  expect(lines[1]).toBe('Try "unshard probe --help".')
  expect(lines).toHaveLength(2)
  expect(exitCode).toBe(2)
})
