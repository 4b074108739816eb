/** A polluted Object.prototype changes no option of the adapters. */

import { readEvents } from '../../src/events/index.js'
import { Dispatcher } from '../../src/undici/index.js'

const prototype = Object.prototype as Record<string, unknown>

function pollute(name: string, value: unknown): () => void {
  Object.defineProperty(prototype, name, { value, configurable: true, enumerable: false, writable: true })
  return () => delete prototype[name]
}

it('the dispatcher of undici ignores an inherited highWaterMark', async () => {
  const restore = pollute('highWaterMark', -1)
  try {
    const dispatcher = new Dispatcher({})
    await dispatcher.close()
  } finally {
    restore()
  }
})

it('the dispatcher of undici takes null as no options, as undici does', async () => {
  const dispatcher = new Dispatcher(null as never)
  await dispatcher.close()
})

it('readEvents ignores an inherited maxEventLength', async () => {
  const restore = pollute('maxEventLength', 1)
  try {
    const response = new Response('data: longer than one\n\n', { headers: { 'content-type': 'text/event-stream' } })
    const events = []
    for await (const event of readEvents(response)) events.push(event.data)
    expect(events).toEqual(['longer than one'])
  } finally {
    restore()
  }
})
