/** Abort signals: one listener per signal, and no reference to targets that were unlinked. */

import { getEventListeners } from 'node:events'
import { type Abortable, link, unlink } from '../../src/runtime/abort.js'

function target(): Abortable & { readonly reasons: unknown[] } {
  const reasons: unknown[] = []
  return { reasons, abort: (reason) => reasons.push(reason) }
}

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

it('linked targets share one listener, are aborted once and in order, and are then unlinked', () => {
  const { signal, abort } = (() => {
    const controller = new AbortController()
    return { signal: controller.signal, abort: (reason: unknown) => controller.abort(reason) }
  })()
  const aborted: number[] = []
  const targets = [0, 1, 2].map((index) => ({ abort: () => aborted.push(index) }) as Abortable)
  for (const each of targets) link(signal, each)
  for (const each of targets) link(signal, each)
  expect(listeners(signal)).toBe(1)
  unlink(signal, targets[1]!)
  unlink(signal, targets[1]!)
  abort('enough')
  expect(aborted).toEqual([0, 2])
  expect(listeners(signal)).toBe(0)
  expect(targets.map(({ aborters }) => aborters)).toEqual([undefined, undefined, undefined])
})

it.each([[[0, 1, 2]], [[2, 1, 0]], [[1, 0, 2]], [[1, 2, 0]]])(
  'a target linked to three signals is unlinked in the order %j',
  (order) => {
    const controllers = [0, 1, 2].map(() => new AbortController())
    const leaving = target()
    const staying = target()
    for (const { signal } of controllers) {
      link(signal, leaving)
      link(signal, staying)
    }
    for (const index of order) {
      const { signal } = controllers[index]!
      unlink(signal, leaving)
      controllers[index]!.abort(index)
      expect(listeners(signal)).toBe(0)
    }
    expect(leaving.reasons).toEqual([])
    expect(staying.reasons).toEqual(order)
    expect([leaving.aborters, staying.aborters]).toEqual([undefined, undefined])
  },
)

it('a target may unlink others, link itself again, or link to an aborted signal while it is aborted', () => {
  const controller = new AbortController()
  const [first, second] = [target(), target()]
  const relinking: Abortable = {
    abort() {
      unlink(controller.signal, second)
      link(controller.signal, relinking)
    },
  }
  for (const each of [first, relinking, second]) link(controller.signal, each)
  controller.abort('once')
  expect([first.reasons, second.reasons]).toEqual([['once'], ['once']])
  unlink(controller.signal, relinking)
  expect(listeners(controller.signal)).toBe(0)
})

it('thousands of links and unlinks leave no reference', () => {
  const { signal } = new AbortController()
  const staying = target()
  link(signal, staying)
  const links = Array.from({ length: 5_000 }, () => {
    const leaving = target()
    link(signal, leaving)
    const node = leaving.aborters!.link
    unlink(signal, leaving)
    return node
  })
  expect(links.every(({ previous, next }) => previous === undefined && next === undefined)).toBe(true)
  expect(listeners(signal)).toBe(1)
})
