/** A connection to an address that has failed on another one since its dial began. */

import { FakeClock } from '@unshard/testkit'
import { OTHER_ADDRESS_MS, preferOther } from '../../src/connect/overtaken.js'
import type { Connection } from '../../src/transport/connection.js'
import { FakeConnection, targetOf, turn } from '../pool/fakes.js'

const target = targetOf('https://a.example')

/** Begins with one connection; the test decides how the dial to another address ends. */
function begin() {
  const clock = new FakeClock()
  const [first, other] = [new FakeConnection(target, '192.0.2.1'), new FakeConnection(target, '192.0.2.2')]
  const abort = new AbortController()
  let succeed: (connection: Connection) => void = () => undefined
  let fail: (reason: unknown) => void = () => undefined
  const dial = (signal: AbortSignal): Promise<Connection> =>
    new Promise((resolve, reject) => {
      succeed = resolve
      fail = reject
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  const result = preferOther(first, dial, clock, abort.signal)
  result.catch(() => undefined)
  return { clock, first, other, abort, result, succeed: () => succeed(other), fail: (reason: unknown) => fail(reason) }
}

it('is closed if a connection to another address is quick', async () => {
  const { first, other, result, succeed, clock } = begin()
  succeed()
  expect(await result).toBe(other)
  expect([first.state, other.state, clock.pending]).toEqual(['closed', 'open', 0])
})

it('is used if the dial to other addresses fails, or is not done after two seconds', async () => {
  const failing = begin()
  failing.fail(new Error('refused'))
  expect(await failing.result).toBe(failing.first)
  const late = begin()
  late.clock.advance(OTHER_ADDRESS_MS)
  expect(await late.result).toBe(late.first)
  expect([failing.first.state, late.first.state, failing.clock.pending]).toEqual(['open', 'open', 0])
})

it('fails with the other dial if it has closed in the meantime', async () => {
  const { first, result, fail } = begin()
  first.destroy()
  fail(new Error('refused'))
  await expect(result).rejects.toThrow('refused')
})

it('is closed if the dial is aborted, and so is the other dial', async () => {
  const { first, abort, result, clock } = begin()
  abort.abort(new Error('no request waits'))
  await expect(result).rejects.toThrow('no request waits')
  await turn()
  expect([first.state, clock.pending]).toEqual(['closed', 0])
})

it('is not waited for once it has closed: the other dial may take its time', async () => {
  const { first, other, result, succeed, clock } = begin()
  first.destroy()
  clock.advance(OTHER_ADDRESS_MS)
  succeed()
  expect(await result).toBe(other)
})

it('fails with a typed error if it closes in the turn in which the wait for the other dial ends', async () => {
  const { first, result, clock } = begin()
  clock.advance(OTHER_ADDRESS_MS)
  first.destroy()
  await expect(result).rejects.toMatchObject({ name: 'ConnectError', phase: 'tcp', origin: 'https://a.example' })
})
