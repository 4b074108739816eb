/**
 * User-supplied functions run in the async context of their request, even on a shared connection.
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import { Readable } from 'node:stream'
import { clientFixture } from './fixture.js'

const { client: createClient, server } = clientFixture()
const context = new AsyncLocalStorage<string>()

type Note = () => void

const SOURCES: Record<string, (note: Note) => unknown> = {
  'an async generator': (note) =>
    (async function* () {
      for (let i = 0; i < 5; i++) {
        note()
        yield 'x'.repeat(40_000)
        await new Promise(setImmediate)
      }
      note()
    })(),
  'a user-supplied iterable': (note) => ({
    [Symbol.asyncIterator]: () => {
      note()
      let ended = 5
      const next = (): Promise<IteratorResult<string>> => {
        note()
        return Promise.resolve(ended-- > 0 ? { done: false, value: 'x'.repeat(40_000) } : { done: true, value: undefined })
      }
      return { next }
    },
  }),
  'a Readable': (note) => {
    let ended = 5
    return new Readable({
      read() {
        note()
        this.push(ended-- > 0 ? Buffer.alloc(40_000) : null)
      },
    })
  },
  'a ReadableStream': (note) => {
    let ended = 5
    return new ReadableStream(
      {
        pull(controller) {
          note()
          if (ended-- > 0) controller.enqueue(Buffer.alloc(40_000))
          else controller.close()
        },
      },
      { highWaterMark: 0 },
    )
  },
}

describe.each(['h2', 'http/1.1'] as const)('over %s', (protocol) => {
  it.each(Object.entries(SOURCES))('parts are read in the context of the request from %s', async (_kind, source) => {
    const origin = await server({ protocols: [protocol] })
    const client = createClient({ maxConnectionsPerOrigin: 1 })
    const url = `${origin.url('a.test.example')}/inspect`
    const contexts: Record<string, Set<string | undefined>> = {}
    const upload = (name: string): Promise<unknown> =>
      context.run(name, async () => {
        const notes = new Set<string | undefined>()
        contexts[name] = notes
        const body = source(() => notes.add(context.getStore())) as AsyncIterable<string>
        return (await client.request({ url, method: 'POST', body })).text()
      })
    await Promise.all(['one', 'two', 'three'].map(upload))
    expect(contexts).toEqual({ one: new Set(['one']), two: new Set(['two']), three: new Set(['three']) })
  })

  it('interim responses and the end of an abandoned body run in the context of the request', async () => {
    const origin = await server({ protocols: [protocol] })
    const client = createClient({ maxConnectionsPerOrigin: 1 })
    const notes: string[] = []
    const note = (what: string) => notes.push(`${what} ${context.getStore()}`)
    const hints = (name: string): Promise<unknown> =>
      context.run(name, async () => {
        const url = `${origin.url('a.test.example')}/early-hints`
        return (await client.request({ url, onInformational: (status) => void note(`${name} ${status}`) })).text()
      })
    await Promise.all([hints('one'), hints('two')])
    expect(notes.toSorted()).toEqual(['one 103 one', 'two 103 two'])
    const abort = new AbortController()
    const ended = new Promise<string | undefined>((resolve) => {
      const end = (): Promise<IteratorResult<string>> => {
        resolve(context.getStore())
        return Promise.resolve({ done: true, value: undefined })
      }
      const parts = [Promise.resolve({ done: false, value: 'x' }), new Promise(() => undefined)]
      const body = { [Symbol.asyncIterator]: () => ({ next: () => parts.shift(), return: end }) } as AsyncIterable<string>
      const url = `${origin.url('a.test.example')}/never`
      context.run('three', () => {
        client.request({ url, method: 'POST', body, signal: abort.signal }).catch(() => undefined)
      })
    })
    await origin.delivered(3)
    abort.abort()
    expect(await ended).toBe('three')
  })
})
