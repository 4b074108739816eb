/** User-supplied functions run in the asynchronous context of their own request, even on a shared connection. */

import { AsyncLocalStorage } from 'node:async_hooks'
import { Readable } from 'node:stream'
import { clientFixture } from './fixture.js'

const { client, server } = clientFixture()
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
  'an iterable of the caller': (note) => ({
    [Symbol.asyncIterator]: () => {
      note()
      let left = 5
      const next = (): Promise<IteratorResult<string>> => {
        note()
        return Promise.resolve(left-- > 0 ? { done: false, value: 'x'.repeat(40_000) } : { done: true, value: undefined })
      }
      return { next }
    },
  }),
  'a Readable': (note) => {
    let left = 5
    return new Readable({
      read() {
        note()
        this.push(left-- > 0 ? Buffer.alloc(40_000) : null)
      },
    })
  },
  'a ReadableStream': (note) => {
    let left = 5
    return new ReadableStream(
      {
        pull(controller) {
          note()
          if (left-- > 0) controller.enqueue(Buffer.alloc(40_000))
          else controller.close()
        },
      },
      { highWaterMark: 0 },
    )
  },
}

describe.each(['h2', 'http/1.1'] as const)('over %s', (protocol) => {
  it.each(Object.entries(SOURCES))('the parts of %s', async (_kind, source) => {
    const origin = await server({ protocols: [protocol] })
    const one = client({ maxConnectionsPerOrigin: 1 })
    const url = `${origin.url('a.test.example')}/inspect`
    const seen: Record<string, Set<string | undefined>> = {}
    const upload = (name: string): Promise<unknown> =>
      context.run(name, async () => {
        const heard = new Set<string | undefined>()
        seen[name] = heard
        const body = source(() => heard.add(context.getStore())) as AsyncIterable<string>
        return (await one.request({ url, method: 'POST', body })).text()
      })
    await Promise.all(['one', 'two', 'three'].map(upload))
    expect(seen).toEqual({ one: new Set(['one']), two: new Set(['two']), three: new Set(['three']) })
  })

  it('interim responses, and the end of a source that is abandoned', async () => {
    const origin = await server({ protocols: [protocol] })
    const one = client({ maxConnectionsPerOrigin: 1 })
    const heard: string[] = []
    const note = (what: string) => heard.push(`${what} ${context.getStore()}`)
    const hints = (name: string): Promise<unknown> =>
      context.run(name, async () => {
        const url = `${origin.url('a.test.example')}/early-hints`
        return (await one.request({ url, onInformational: (status) => void note(`${name} ${status}`) })).text()
      })
    await Promise.all([hints('one'), hints('two')])
    expect(heard.toSorted()).toEqual(['one 103 one', 'two 103 two'])
    const abort = new AbortController()
    const left = new Promise<string | undefined>((resolve) => {
      const end = (): Promise<IteratorResult<string>> => {
        resolve(context.getStore())
        return Promise.resolve({ done: true, value: undefined })
      }
      const parts = [Promise.resolve({ done: false, value: 'x' }), new Promise(() => undefined)]
      const body = { [Symbol.asyncIterator]: () => ({ next: () => parts.shift(), return: end }) } as AsyncIterable<string>
      const url = `${origin.url('a.test.example')}/never`
      context.run('three', () => {
        one.request({ url, method: 'POST', body, signal: abort.signal }).catch(() => undefined)
      })
    })
    await origin.delivered(3)
    abort.abort()
    expect(await left).toBe('three')
  })
})
