/** The package eventsource over our `fetch`: the newest version, and the oldest that takes a `fetch`. */

import { testWorld } from '@unshard/testkit'
import { casesOf, runFamily, TIMEOUT_MS } from './fixture.js'
import { eventServer } from './servers/event-source.js'

const world = testWorld()

const EVENTS = [
  ['message', 'first', ''],
  ['tick', 'second', ''],
  ['message', 'line 1\nline 2', ''],
]
const RESUMED = [
  ['message', 'event 1', '1'],
  ['message', 'event 2', '2'],
  ['message', 'event 3', '3'],
]
const EXPECTED = {
  events: EVENTS,
  reconnects: RESUMED,
  cutOff: RESUMED,
  redirected: EVENTS,
  headers: EVENTS,
  wrongStatus: { code: 404, message: 'Non-200 status code (404)' },
  wrongType: { code: 200, message: 'Invalid content type, expected "text/event-stream"' },
  noContent: { code: 204, message: 'Server sent HTTP 204, not reconnecting' },
  refused: true,
  closed: 2,
}

it.each(casesOf(['eventsource', 'eventsource-3'], ['eventsource']))(
  '$name works over our fetch, on Node.js $major',
  async (each) => {
    expect(await runFamily(world, 'eventsource', each, eventServer())).toEqual(EXPECTED)
  },
  TIMEOUT_MS,
)
