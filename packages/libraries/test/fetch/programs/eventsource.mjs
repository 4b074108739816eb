/** Checks of the package eventsource: `eventsource.mjs eventsource|eventsource-3`. */

import { client, run } from './harness.mjs'

const [name] = process.argv.slice(2)
const { EventSource } = await import(name)

/** Resolves with the events of a source until `count` have come, or with the status and message of its error. */
function eventsOf({ fetch, url, count, headers = {} }) {
  const withHeaders = (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } })
  const source = new EventSource(url, { fetch: withHeaders })
  const events = []
  return new Promise((resolve) => {
    const end = (value) => {
      source.close()
      resolve(value)
    }
    const onEvent = ({ type, data, lastEventId }) => {
      events.push([type, data, lastEventId])
      if (events.length === count) end(events)
    }
    source.addEventListener('message', onEvent)
    source.addEventListener('tick', onEvent)
    source.addEventListener('error', ({ code, message }) => {
      if (source.readyState === EventSource.CLOSED) return end({ code, message })
      // It connects again: the first failure is told.
      if (count === 0) end({ message })
    })
  })
}

function checks({ fetch, origin, none }) {
  const at = (path, options) => eventsOf({ fetch, url: `${origin}${path}`, count: 3, ...options })
  return {
    events: () => at('/events'),
    reconnects: () => at('/resumed'),
    cutOff: () => at('/cut'),
    redirected: () => at('/moved'),
    headers: () => at('/secret', { headers: { authorization: 'Bearer token' } }),
    wrongStatus: () => at('/missing'),
    wrongType: () => at('/text'),
    noContent: () => at('/nothing'),
    refused: async () => {
      const { message } = await eventsOf({ fetch, url: `${none}/`, count: 0 })
      return /fetch failed/.test(message)
    },
    closed: async () => {
      const source = new EventSource(`${origin}/endless`, { fetch })
      await new Promise((resolve) => source.addEventListener('message', resolve))
      source.close()
      // Its stream has been reset, or its connection closed.
      while (client.stats().connections.some(({ active }) => active > 0)) await new Promise(setImmediate)
      return source.readyState
    },
  }
}

await run({ checks, host: ({ fetch, origin }) => eventsOf({ fetch, url: `${origin}/events`, count: 3 }) })
