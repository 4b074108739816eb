/** Signals and what they end: one listener for each signal, and nothing kept of who has left. */

import { getEventListeners } from 'node:events'
import { type Abortable, link, unlink } from '../../src/runtime/abort.js'

function target(): Abortable & { readonly reasons: unknown[] } {
  const reasons: unknown[] = []
  return { reasons, abort: (reason) => reasons.push(reason) }
}

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

it('all that a signal ends share one listener, are told once, in order, and are gone', () => {
  const { signal, abort } = (() => {
    const controller = new AbortController()
    return { signal: controller.signal, abort: (reason: unknown) => controller.abort(reason) }
  })()
  const told: number[] = []
  const targets = [0, 1, 2].map((index) => ({ abort: () => told.push(index) }) as Abortable)
  for (const each of targets) link(signal, each)
  for (const each of targets) link(signal, each)
  expect(listeners(signal)).toBe(1)
  unlink(signal, targets[1]!)
  unlink(signal, targets[1]!)
  abort('enough')
  expect(told).toEqual([0, 2])
  expect(listeners(signal)).toBe(0)
  expect(targets.map(({ aborters }) => aborters)).toEqual([undefined, undefined, undefined])
})

it.each([[[0, 1, 2]], [[2, 1, 0]], [[1, 0, 2]], [[1, 2, 0]]])('three signals for one, of which it leaves %j', (order) => {
  const controllers = [0, 1, 2].map(() => new AbortController())
  const one = target()
  const another = target()
  for (const { signal } of controllers) {
    link(signal, one)
    link(signal, another)
  }
  for (const index of order) {
    const { signal } = controllers[index]!
    unlink(signal, one)
    controllers[index]!.abort(index)
    expect(listeners(signal)).toBe(0)
  }
  expect(one.reasons).toEqual([])
  expect(another.reasons).toEqual(order)
  expect([one.aborters, another.aborters]).toEqual([undefined, undefined])
})

it('who is told may unlink the others, link itself again, or link to a signal that is aborted', () => {
  const controller = new AbortController()
  const [first, second] = [target(), target()]
  const meddling: Abortable = {
    abort() {
      unlink(controller.signal, second)
      link(controller.signal, meddling)
    },
  }
  for (const each of [first, meddling, second]) link(controller.signal, each)
  controller.abort('once')
  expect([first.reasons, second.reasons]).toEqual([['once'], ['once']])
  unlink(controller.signal, meddling)
  expect(listeners(controller.signal)).toBe(0)
})

it('thousands that come and go leave no trace', () => {
  const { signal } = new AbortController()
  const stays = target()
  link(signal, stays)
  const links = Array.from({ length: 5_000 }, () => {
    const goes = target()
    link(signal, goes)
    const place = goes.aborters!.link
    unlink(signal, goes)
    return place
  })
  expect(links.every(({ previous, next }) => previous === undefined && next === undefined)).toBe(true)
  expect(listeners(signal)).toBe(1)
})
