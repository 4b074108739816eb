/**
 * Handler calls and their order, of our dispatcher over both protocols and of undici's own Agent
 * over HTTP/1.1, for the same exchanges.
 */

import { Readable } from 'node:stream'
import { staticLookup, testWorld } from '@unshard/testkit'
import undici from 'undici'
import { Dispatcher, type DispatchHandler, type DispatchOptions } from '../../src/undici/index.js'
import { type Behaviour, controllerRecorder, type Record, type Recording, rawRecorder } from './recorder.js'

const environment = testWorld()
const lookup = staticLookup({ 'a.test.example': '127.0.0.1' })

interface Row {
  readonly name: string
  readonly options: Partial<DispatchOptions> | (() => Partial<DispatchOptions>)
  readonly behaviour?: Behaviour
}

const failure = new Error('of the test')
const get = (path: string): Partial<DispatchOptions> => ({ method: 'GET', path })
const post = (body: unknown): Partial<DispatchOptions> => ({ method: 'POST', path: '/echo', body })
const throwing = (): never => {
  throw failure
}

const ROWS: readonly Row[] = [
  { name: 'GET', options: get('/') },
  { name: 'HEAD', options: { method: 'HEAD', path: '/json' } },
  { name: '204', options: get('/status/204') },
  { name: '304', options: get('/status/304') },
  { name: '404', options: get('/nowhere') },
  { name: 'redirect, not followed', options: get('/redirect?to=/') },
  { name: 'content coding, not removed', options: get('/gzip') },
  { name: 'repeated fields', options: get('/set-cookie') },
  { name: '30 fields', options: get('/headers') },
  { name: 'trailers', options: get('/trailers') },
  { name: '103', options: get('/early-hints') },
  { name: 'large', options: get('/bytes/500000') },
  { name: 'query', options: { ...get('/redirect/307'), query: { to: '/a b', other: ['x', 1] } } },
  { name: 'POST, a string', options: post('content') },
  { name: 'POST, bytes', options: post(Buffer.from('content')) },
  { name: 'POST, an empty string', options: post('') },
  { name: 'POST, a Readable', options: () => post(Readable.from([Buffer.from('con'), Buffer.from('tent')])) },
  { name: 'POST, an array', options: post(['con', Buffer.from('tent')]) },
  {
    name: 'POST, a generator',
    options: () =>
      post(
        (async function* () {
          yield Buffer.from('con')
          yield Buffer.from('tent')
        })(),
      ),
  },
  { name: 'PUT with a length', options: { ...post(Buffer.from('content')), method: 'PUT', headers: { 'Content-Length': '7' } } },
  { name: 'flat fields', options: { ...get('/'), headers: ['X-One', '1', 'X-Two', '2'] } },
  { name: 'connection: close', options: { ...get('/'), headers: { connection: 'close' } } },
  { name: 'connection: keep-alive', options: { ...get('/'), headers: { connection: 'keep-alive' } } },
  { name: 'reset', options: { ...get('/'), reset: true } },
  { name: 'pausing at every event', options: get('/bytes/500000'), behaviour: { pauses: true } },
  { name: 'pausing without content', options: get('/status/204'), behaviour: { pauses: true } },
  { name: 'abort at the start', options: get('/'), behaviour: { onStart: (abort) => abort() } },
  { name: 'abort at the start with a reason', options: get('/'), behaviour: { onStart: (abort) => abort(failure) } },
  { name: 'abort at the headers', options: get('/bytes/500000'), behaviour: { onHeaders: (abort) => abort() } },
  { name: 'abort at the first data', options: get('/bytes/10'), behaviour: { onData: (abort) => abort(failure) } },
  { name: 'throwing at the start', options: get('/'), behaviour: { onStart: throwing } },
  { name: 'throwing at the headers', options: get('/'), behaviour: { onHeaders: throwing } },
  { name: 'throwing at the data', options: get('/bytes/10'), behaviour: { onData: throwing } },
  { name: 'throwing at the end', options: get('/bytes/10'), behaviour: { onEnd: throwing } },
  {
    name: 'a source that fails',
    options: () =>
      post(
        Readable.from(
          (async function* () {
            yield Buffer.from('x')
            throw failure
          })(),
        ),
      ),
  },
  { name: 'no response in time', options: { ...get('/never'), headersTimeout: 200 } },
  { name: 'no content in time', options: { ...get('/slow'), bodyTimeout: 200 } },
  { name: 'an invalid path', options: { method: 'GET', path: 'nowhere' } },
  { name: 'a path with a space', options: { method: 'GET', path: '/a b' } },
  { name: 'an invalid method', options: { method: 'G T', path: '/' } },
  { name: 'an invalid field name', options: { ...get('/'), headers: { 'a b': '1' } } },
  { name: 'an invalid field value', options: { ...get('/'), headers: { a: '1\r\n2' } } },
  { name: 'an invalid body', options: post(7) },
  { name: 'a flat field list of odd length', options: { ...get('/'), headers: ['a'] } },
  { name: 'transfer-encoding', options: { ...get('/'), headers: { 'transfer-encoding': 'chunked' } } },
  { name: 'expect', options: { ...get('/'), headers: { expect: '100-continue' } } },
  { name: 'a wrong content-length', options: { ...post(Buffer.from('content')), headers: { 'content-length': '8' } } },
  { name: 'maxRedirections', options: { ...get('/'), maxRedirections: 3 } },
  { name: 'a negative timeout', options: { ...get('/'), headersTimeout: -1 } },
]

type Agent = { dispatch(options: DispatchOptions, handler: DispatchHandler): boolean; destroy(): Promise<void> }

async function play(
  agent: Agent,
  row: Row,
  origin: string,
  make: (behaviour?: Behaviour) => Recording<DispatchHandler>,
): Promise<Record[]> {
  const options = typeof row.options === 'function' ? row.options() : row.options
  const { handler, done } = make(row.behaviour)
  agent.dispatch({ origin, ...options } as DispatchOptions, handler)
  const records = await done
  await agent.destroy()
  return records
}

const GENERATIONS = [
  ['the older handlers', rawRecorder],
  ['the newer handlers', controllerRecorder],
] as const

describe.each(GENERATIONS)('%s get the same calls as from undici', (_name, make) => {
  it.each(ROWS.map((row) => [row.name, row] as const))('%s', async (_row, row) => {
    const { port } = await environment.server()
    const origin = `https://a.test.example:${port}`
    const { ca } = environment.authority
    const undicis = new undici.Agent({ connect: { ca, lookup } as never, keepAliveTimeout: 1 })
    const expected = await play(undicis as never, row, origin, make as never)
    for (const protocol of ['http/1.1', 'h2'] as const) {
      const ours = new Dispatcher({ tls: { ca }, lookup, protocols: [protocol] })
      const told = await play(ours, row, origin, make as never)
      expect([protocol, ...told]).toEqual([protocol, ...expected])
    }
  })
})
