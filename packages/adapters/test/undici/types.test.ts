/**
 * Types: the Dispatcher is assignable to the dispatchers of undici 6, 7 and 8. Compiled with the
 * tests; nothing runs.
 */

import type * as Undici7 from 'undici'
import type * as Undici6 from 'undici6'
import type * as Undici8 from 'undici8-types'
import { Dispatcher } from '../../src/undici/index.js'

declare const six: typeof Undici6
declare const seven: typeof Undici7
declare const eight: typeof Undici8

export function assignable(one: Dispatcher): void {
  const d6: Undici6.Dispatcher = one
  const d7: Undici7.Dispatcher = one
  const d8: Undici8.Dispatcher = one
  six.setGlobalDispatcher(one)
  seven.setGlobalDispatcher(one)
  eight.setGlobalDispatcher(one)
  void six.request('https://a.test.example', { dispatcher: one })
  void seven.request('https://a.test.example', { dispatcher: one })
  void eight.request('https://a.test.example', { dispatcher: one })
  void six.fetch('https://a.test.example', { dispatcher: one })
  void seven.fetch('https://a.test.example', { dispatcher: one })
  void eight.fetch('https://a.test.example', { dispatcher: one })
  void [d6, d7, d8]
}

it('has the methods that undici calls on a dispatcher', () => {
  const one = new Dispatcher()
  for (const name of [
    'request',
    'stream',
    'pipeline',
    'connect',
    'upgrade',
    'dispatch',
    'compose',
    'close',
    'destroy',
  ] as const) {
    expect(one[name]).toBeInstanceOf(Function)
  }
  return one.close()
})
