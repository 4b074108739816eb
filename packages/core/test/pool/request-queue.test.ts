/** The order of queued requests, and the release of requests that left. */

import type { QueuedRequest } from '../../src/pool/request-queue.js'
import { RequestQueue } from '../../src/pool/request-queue.js'

function waiter(): QueuedRequest {
  return { affinity: undefined, onMember: () => undefined, onUnavailable: () => undefined }
}

/** Removes every request from the queue, in order. */
function drain(queue: RequestQueue): QueuedRequest[] {
  const all: QueuedRequest[] = []
  for (let next = queue.next(); next !== undefined; next = queue.next()) all.push(next)
  return all
}

it('serves requests in order of arrival', () => {
  const queue = new RequestQueue()
  const all = [waiter(), waiter(), waiter()]
  for (const each of all) queue.add(each)
  expect(queue.size).toBe(3)
  expect(drain(queue)).toEqual(all)
  expect(queue.size).toBe(0)
})

it('a queued request that is added again keeps its position', () => {
  const queue = new RequestQueue()
  const [first, second] = [waiter(), waiter()]
  for (const each of [first, second, first]) queue.add(each)
  expect(drain(queue)).toEqual([first, second])
})

it.each([
  [0, [1, 2]],
  [1, [0, 2]],
  [2, [0, 1]],
])('request %i leaves: the others keep their order, and it may return as the last one', (leaving, staying) => {
  const queue = new RequestQueue()
  const all = [waiter(), waiter(), waiter()]
  for (const each of all) queue.add(each)
  queue.delete(all[leaving]!)
  queue.delete(all[leaving]!)
  expect(queue.size).toBe(2)
  queue.add(all[leaving]!)
  expect(drain(queue)).toEqual([...staying, leaving].map((index) => all[index]))
})

it('the removal of a request that was never queued has no effect', () => {
  const queue = new RequestQueue()
  queue.delete(waiter())
  expect([queue.size, queue.next()]).toEqual([0, undefined])
})

it('a removed or served request holds no reference to its neighbors', () => {
  const queue = new RequestQueue()
  const all = [waiter(), waiter(), waiter()]
  for (const each of all) queue.add(each)
  const nodes = all.map(({ queueNode }) => queueNode!)
  queue.delete(all[1]!)
  queue.next()
  expect(nodes.slice(0, 2).map(({ previous, next }) => [previous, next])).toEqual([
    [undefined, undefined],
    [undefined, undefined],
  ])
  expect(all.slice(0, 2).map(({ queueNode }) => queueNode)).toEqual([undefined, undefined])
})
