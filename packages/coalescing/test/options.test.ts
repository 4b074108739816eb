// What coalescing() takes, and that it names what it does not.
import { type CoalescingOptions, coalescing } from '@unshard/coalescing'

const take = (options: unknown) => () => coalescing(options as CoalescingOptions)

test('nothing and an empty object are fine', () => {
  expect(take(undefined)).not.toThrow()
  expect(take({})).not.toThrow()
  expect(take({ deny: ['a.example', 'localhost', 'bücher.example'] })).not.toThrow()
})

test('an unknown option is named', () => {
  expect(take({ denny: [] })).toThrow(
    expect.objectContaining({ name: 'UsageError', code: 'ERR_UNKNOWN_OPTION', message: expect.stringContaining('"denny"') }),
  )
})

test.each([
  'https://a.example',
  'a.example:8443',
  'a.example/path',
  'a.example?',
  'user@a.example',
  '*.example.com',
  'a.example.',
  '192.0.2.1',
  '1',
  '[::1]',
  '',
  ' ',
  7,
  null,
])('an entry of deny that could never match is refused: %j', (host) => {
  expect(take({ deny: [host] })).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_OPTION', message: expect.stringContaining(JSON.stringify(host)) }),
  )
})

test.each([[null], ['deny'], [{ deny: 'a.example' }], [{ deny: null }], [{ clock: {} }], [{ clock: null }]])(
  'a value of the wrong kind is refused: %j',
  (options) => {
    expect(take(options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
  },
)
