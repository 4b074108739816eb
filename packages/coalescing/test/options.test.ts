// Valid and invalid options of coalescing(), and the errors that name them.
import { type CoalescingOptions, coalescing } from '@unshard/coalescing'
import { parseOrigin } from '@unshard/core'

const take = (options: unknown) => () => coalescing(options as CoalescingOptions)
const invalid = (...words: string[]) =>
  expect.objectContaining({
    name: 'UsageError',
    code: 'ERR_INVALID_OPTION',
    message: expect.stringMatching(new RegExp(words.map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*'))),
  })

/** None of these could ever match a host. */
const NO_HOSTS = [
  ...[
    'https://a.example',
    'a.example:8443',
    'a.example:443',
    'a\n.example',
    'a%2eexample',
    'a\\b.example',
    'a.example#',
    'a.example/path',
    'a.example?',
    'user@a.example',
    'a.example.',
    '192.0.2.1',
    '1',
    '[::1]',
  ],
  ...[
    '',
    ' ',
    '*',
    '*.',
    '*.*.example.com',
    'a.*.example.com',
    'w*.example.com',
    '.example.com',
    '*example.com',
    '*.example.com.',
  ],
  ...[
    '*.1',
    '*.example.com:443',
    `*.${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`,
    7,
    null,
    undefined,
    1n,
    {},
  ],
]
/** Long text, text that may contain credentials, and the contents of objects are not shown. */
const shown = (value: unknown): string => {
  if (typeof value === 'object' && value !== null) return 'an object'
  if (typeof value !== 'string') return String(value)
  return value.length > 60 || value.includes('@') ? `a string of ${value.length} characters` : JSON.stringify(value)
}

test('no options, an empty object and all options at once are valid', () => {
  expect(take(undefined)).not.toThrow()
  expect(take({})).not.toThrow()
  expect(take({ deny: ['a.example', 'localhost', 'bücher.example', '*.example.com', '*.test'] })).not.toThrow()
  const every: Required<CoalescingOptions> = {
    mode: 'origin-frame',
    allow: [['*.example.com'], ['a.test', 'b.test']],
    deny: [],
    wildcards: 'declared',
    trustOriginFrame: true,
    allowUnauthorized: true,
    suspectStatuses: [404],
    clock: Date,
  }
  expect(take(every)).not.toThrow()
  expect(take(Object.fromEntries(Object.keys(every).map((name) => [name, undefined])))).not.toThrow()
})

test('the error for an unknown option names it', () => {
  expect(take({ denny: [] })).toThrow(
    expect.objectContaining({ name: 'UsageError', code: 'ERR_UNKNOWN_OPTION', message: expect.stringContaining('"denny"') }),
  )
})

test.each(NO_HOSTS)('an entry that could never match is refused in deny and in allow: %p', (host) => {
  expect(take({ deny: ['a.example', host] })).toThrow(invalid('deny', shown(host)))
  expect(take({ allow: [['*.example.com'], ['a.example', 'b.example', host]] })).toThrow(invalid('allow[1]', shown(host)))
})

test.each<[string, unknown[]]>([
  ['mode', ['on', 'ip', '', null, true, 'OFF']],
  ['wildcards', ['none', true, null, 'ANY']],
  ['trustOriginFrame', [1, 'yes', null]],
  ['allowUnauthorized', [1, 'yes', null]],
  ['allow', ['a.example', null, {}, new Set(['a']), 7]],
  ['deny', ['a.example', null, {}, new Set(['a']), 7]],
  [
    'suspectStatuses',
    [404, null, '404', new Set([404]), ['404'], [399], [600], [200], [404.5], [Number.NaN], [null], [421], [404, 421]],
  ],
  ['clock', [{}, null, 7, { now: 7 }]],
])('a value of the wrong type is refused: %s', (name, values) => {
  for (const value of values) expect(take({ [name]: value })).toThrow(invalid(name))
})

test.each([[null], ['deny'], [7]])('invalid options are refused: %j', (options) => {
  expect(take(options)).toThrow(invalid('object of options'))
})

describe('allow', () => {
  test('a flat list of hosts is refused with a hint at the right form', () => {
    expect(take({ allow: ['a.example', 'b.example'] })).toThrow(invalid('allow', 'list of groups', '"a.example"'))
    expect(take({ allow: [['a.example', 'b.example'], '*.example.com'] })).toThrow(invalid('allow', 'list of groups'))
  })

  test.each([[[]], [['a.example']], [['a.example', 'A.Example']]])(
    'a group that could never allow anything is refused: %j',
    (group) => {
      expect(take({ allow: [['*.x.test'], group] })).toThrow(invalid('allow[1]', 'at least two hosts'))
    },
  )

  test('later changes to the options object have no effect', () => {
    const group = ['a.example', 'b.example']
    const deny = ['x.example']
    const policy = coalescing({ allow: [group], deny })
    group.push('c.example')
    expect(policy.groupsOf(parseOrigin('https://c.example'))).toEqual([])
  })
})

test('trustOriginFrame requires the mode origin-frame', () => {
  expect(take({ trustOriginFrame: true })).toThrow(invalid('trustOriginFrame', 'origin-frame'))
  expect(take({ trustOriginFrame: true, mode: 'address' })).toThrow(invalid('trustOriginFrame', 'origin-frame', 'address'))
  expect(take({ trustOriginFrame: true, mode: 'off' })).toThrow(invalid('trustOriginFrame', 'origin-frame'))
  expect(take({ trustOriginFrame: false })).not.toThrow()
  expect(take({ trustOriginFrame: true, mode: 'origin-frame' })).not.toThrow()
})

test('suspectStatuses are available to the client and do not contain 421', () => {
  expect([...coalescing().suspectStatuses]).toEqual([])
  expect([...coalescing({ suspectStatuses: [404, 400, 599, 404] }).suspectStatuses]).toEqual([404, 400, 599])
})

describe('groupsOf', () => {
  const policy = coalescing({
    allow: [
      ['*.example.com', 'Example.com'],
      ['a.example.com', 'x.test'],
      ['*.example.com', 'a.example.com'],
      ['*.bücher.test', '*.com'],
    ],
  })
  test.each([
    ['https://a.example.com', ['allow[0]', 'allow[1]', 'allow[2]']],
    ['https://b.example.com:8443', ['allow[0]', 'allow[2]']],
    ['https://example.com', ['allow[0]', 'allow[3]']],
    ['https://x.test', ['allow[1]']],
    ['https://a.bücher.test', ['allow[3]']],
    ['https://a.b.example.com', []],
    ['https://com', []],
    ['https://127.0.0.1', []],
    ['https://[::1]', []],
  ])('%s: %j', (url, groups) => {
    const found = policy.groupsOf(parseOrigin(url))
    expect([...found].sort()).toEqual(groups)
  })

  test('no groups, no names', () => {
    expect(coalescing().groupsOf(parseOrigin('https://a.example.com'))).toEqual([])
  })
})
