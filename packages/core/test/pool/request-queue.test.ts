/** Who waits for a connection: in the order they came, and nobody who has left is kept. */

import type { QueuedRequest } from '../../src/pool/request-queue.js'
import { RequestQueue } from '../../src/pool/request-queue.js'

function waiter(): QueuedRequest {
  return { affinity: undefined, onMember: () => undefined, onUnavailable: () => undefined }
}

/** Everybody, in turn; the queue is empty then. */
function drain(queue: RequestQueue): QueuedRequest[] {
  const all: QueuedRequest[] = []
  for (let next = queue.next(); next !== undefined; next = queue.next()) all.push(next)
  return all
}

it('first come, first served', () => {
  const queue = new RequestQueue()
  const all = [waiter(), waiter(), waiter()]
  for (const each of all) queue.add(each)
  expect(queue.size).toBe(3)
  expect(drain(queue)).toEqual(all)
  expect(queue.size).toBe(0)
})

it('who is there already stays where it is', () => {
  const queue = new RequestQueue()
  const [one, two] = [waiter(), waiter()]
  for (const each of [one, two, one]) queue.add(each)
  expect(drain(queue)).toEqual([one, two])
})

it.each([
  [0, [1, 2]],
  [1, [0, 2]],
  [2, [0, 1]],
])('number %i leaves, the others keep their order, and it may come back as the last', (leaving, staying) => {
  const queue = new RequestQueue()
  const all = [waiter(), waiter(), waiter()]
  for (const each of all) queue.add(each)
  queue.delete(all[leaving]!)
  queue.delete(all[leaving]!)
  expect(queue.size).toBe(2)
  queue.add(all[leaving]!)
  expect(drain(queue)).toEqual([...staying, leaving].map((index) => all[index]))
})

it('who has never been there leaves nobody behind', () => {
  const queue = new RequestQueue()
  queue.delete(waiter())
  expect([queue.size, queue.next()]).toEqual([0, undefined])
})

it('who has left or been served knows nobody of those who stood next to it', () => {
  const queue = new RequestQueue()
  const all = [waiter(), waiter(), waiter()]
  for (const each of all) queue.add(each)
  const places = all.map(({ queueNode }) => queueNode!)
  queue.delete(all[1]!)
  queue.next()
  expect(places.slice(0, 2).map(({ previous, next }) => [previous, next])).toEqual([
    [undefined, undefined],
    [undefined, undefined],
  ])
  expect(all.slice(0, 2).map(({ queueNode }) => queueNode)).toEqual([undefined, undefined])
})
