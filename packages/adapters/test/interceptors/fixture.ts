/** What the tests of interceptors share. */

import type { Interceptor } from '@unshard/core'
import { type MockClientOptions, type MockedClient, type MockHandler, mockClient } from '@unshard/core/testing'

export const URL_ = 'https://a.test.example/path'

/** A mock client, its handler counted, with interceptors. Destroyed after the test. */
export function counted(
  interceptors: readonly Interceptor[],
  handler: MockHandler,
  options: MockClientOptions = {},
): MockedClient & { readonly calls: number } {
  let calls = 0
  const mocked = mockClient(
    (request) => {
      calls++
      return handler(request)
    },
    { ...options, interceptors },
  )
  made.push(mocked)
  return Object.defineProperty({ ...mocked, calls: 0 }, 'calls', { get: () => calls })
}

const made: MockedClient[] = []
afterEach(() => {
  for (const { client } of made.splice(0)) client.destroy()
})

/** A body that can be read once. */
export async function* once(bytes: Uint8Array = Buffer.from('part')): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** Waits until pending callbacks have run. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
}
