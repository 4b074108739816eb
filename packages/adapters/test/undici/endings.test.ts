/** A dispatch ends wherever its handler ends it, and its source is closed. */

import { createReadStream } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Client } from '@unshard/core'
import { staticLookup, testWorld } from '@unshard/testkit'
import { type DispatchController, Dispatcher, type DispatchHandler } from '../../src/undici/index.js'

const environment = testWorld()
const lookup = staticLookup({ 'a.test.example': '127.0.0.1' })

const NAMES = {
  raw: ['onConnect', 'onBodySent', 'onRequestSent', 'onResponseStarted', 'onHeaders', 'onData'],
  controller: ['onRequestStart', 'onBodySent', 'onRequestSent', 'onResponseStarted', 'onResponseStart', 'onResponseData'],
} as const
type Generation = keyof typeof NAMES

/** A handler of one generation that acts on the call `at` and records all calls. */
function handlerOf(generation: Generation, at: string, act: (abort: (reason: Error) => void) => void) {
  const told: string[] = []
  let abort!: (reason: Error) => void
  const tell =
    (name: string) =>
    (...values: unknown[]): boolean => {
      told.push(name)
      if (name === 'onConnect') abort = values[0] as typeof abort
      if (name === 'onRequestStart') abort = (reason) => (values[0] as DispatchController).abort(reason)
      if (name === at) act(abort)
      return true
    }
  let over!: (error: Error) => void
  const ended = new Promise<Error>((resolve) => {
    over = resolve
  })
  const last = (...values: unknown[]): void => {
    told.push('error')
    over(values.at(-1) as Error)
  }
  const handler = Object.fromEntries(NAMES[generation].map((name) => [name, tell(name)]))
  const ends =
    generation === 'raw' ? { onError: last, onComplete: tell('end') } : { onResponseError: last, onResponseEnd: tell('end') }
  return { handler: { ...handler, ...ends } as unknown as DispatchHandler, told, ended }
}

describe.each(['h2', 'http/1.1'] as const)('over %s', (protocol) => {
  async function fixture() {
    const origin = await environment.server({
      protocols: [protocol],
      handler: (request, response) => void request.pipe(response as never),
    })
    const client = new Client({ tls: { ca: environment.authority.ca }, lookup })
    environment.defer(() => client.destroy())
    const dispatcher = new Dispatcher({ client })
    const options = { origin: `https://a.test.example:${origin.port}`, path: '/', method: 'POST' }
    return { origin, client, dispatcher, options }
  }

  const places = (['raw', 'controller'] as const).flatMap((generation) =>
    NAMES[generation].map((at) => [generation, at] as const),
  )
  it.each(places)(
    'a %s handler that aborts, throws or destroys in %s gets the error, and no call after it',
    async (generation, at) => {
      const reason = new Error('the reason')
      const { dispatcher, options, client } = await fixture()
      const ways: ((abort: (reason: Error) => void) => void)[] = [
        (abort) => abort(reason),
        () => {
          throw reason
        },
        () => void dispatcher.destroy(reason),
      ]
      for (const act of ways) {
        const { handler, told, ended } = handlerOf(generation, at, act)
        dispatcher.dispatch({ ...options, body: 'content' }, handler)
        expect(await ended).toBe(reason)
        // A late call would arrive by now.
        await (await client.request({ url: options.origin })).text()
        const names: readonly string[] = NAMES[generation]
        expect(told).toEqual([...names.slice(0, names.indexOf(at) + 1), 'error'])
      }
    },
  )

  it('a body that is not sent is closed: without a server, and if the handler aborts before there is a connection', async () => {
    const { origin, dispatcher, options } = await fixture()
    const file = () => createReadStream(fileURLToPath(import.meta.url))
    const aborting = handlerOf('raw', 'onConnect', (abort) => abort(new Error('the reason')))
    const unsent = file()
    const closed = new Promise((resolve) => unsent.once('close', () => resolve(undefined)))
    dispatcher.dispatch({ ...options, body: unsent }, aborting.handler)
    await aborting.ended
    await closed
    await origin.close()
    const nowhere = handlerOf('controller', '', () => undefined)
    const second = file()
    const alsoClosed = new Promise((resolve) => second.once('close', () => resolve(undefined)))
    let cancelled: unknown
    const stream = new ReadableStream({
      cancel(why) {
        cancelled = why
      },
    })
    dispatcher.dispatch({ ...options, body: second }, nowhere.handler)
    expect(await nowhere.ended).toMatchObject({ code: 'ECONNREFUSED' })
    await alsoClosed
    const third = handlerOf('raw', '', () => undefined)
    dispatcher.dispatch({ ...options, body: stream }, third.handler)
    await third.ended
    expect(cancelled).toMatchObject({ code: 'ECONNREFUSED' })
  })
})
