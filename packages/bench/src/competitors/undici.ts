/**
 * undici 7 and 8, `request` and `fetch`. Over HTTP/2 one connection, where `pipelining` limits the
 * requests in flight (the default is one); over HTTP/1.1 fifty connections, its fastest setting
 * without pipelining, or ten with ten requests each.
 */

import { always, check, type Library, type Protocol, type Session, type Target } from '../competitor.js'
import { type FetchAnswer, fetchSession } from './fetches.js'
import { contentOf, readerOf } from './reading.js'

/**
 * The members used of both versions; the types of undici 8 are not available, because it is not
 * installed below Node 22.
 */
type Undici = Pick<typeof import('undici'), 'Client' | 'Pool' | 'fetch'>
type UndiciPool = InstanceType<Undici['Pool']> | InstanceType<Undici['Client']>
type Opener = (undici: Undici, target: Target) => UndiciPool

/** A name that the compiler does not resolve. */
const VERSION_8: string = 'undici-8'
const load7 = (): Promise<Undici> => import('undici')
const load8 = (): Promise<Undici> => import(VERSION_8)

function isInstalled(): true | string {
  try {
    import.meta.resolve(VERSION_8)
    return true
  } catch {
    return 'it requires Node.js 22.19 and is not installed'
  }
}

const overH2: Opener = ({ Client }, { origin, ca, inFlight }) =>
  new Client(origin, { allowH2: true, connect: { ca }, maxConcurrentStreams: inFlight, pipelining: inFlight })

const overH1: Opener = ({ Pool }, { origin, ca }) => new Pool(origin, { allowH2: false, connect: { ca }, connections: 50 })

const pipelined: Opener = ({ Pool }, { origin, ca }) =>
  new Pool(origin, { allowH2: false, connect: { ca }, connections: 10, pipelining: 10 })

export const undiciRequestH2: Library = request('undici request h2', 'h2', load7, overH2)
export const undiciRequestH1: Library = request('undici request h1', 'http/1.1', load7, overH1)
export const undiciPipelining: Library = request('undici request h1, pipelining', 'http/1.1', load7, pipelined)
export const undiciFetchH2: Library = fetchBy('undici fetch h2', 'h2', load7, overH2)
export const undiciFetchH1: Library = fetchBy('undici fetch h1', 'http/1.1', load7, overH1)
export const undici8RequestH2: Library = { ...request('undici 8 request h2', 'h2', load8, overH2), available: isInstalled }
export const undici8RequestH1: Library = { ...request('undici 8 request h1', 'http/1.1', load8, overH1), available: isInstalled }

function request(name: string, protocol: Protocol, load: () => Promise<Undici>, open: Opener): Library {
  const start = async (target: Target): Promise<Session> => {
    const pool = open(await load(), target)
    const { path, upload } = target
    const content = contentOf(target)
    const read = readerOf(target)
    const post = content && { method: 'POST' as const, path, body: content, headers: { 'content-type': upload!.type } }
    return {
      async once() {
        const { statusCode, body } = await pool.request(post ?? { method: 'GET', path })
        check(target, statusCode, await read(body, () => body))
      },
      close: () => pool.close(),
    }
  }
  return { name, protocol, available: always, start }
}

function fetchBy(name: string, protocol: Protocol, load: () => Promise<Undici>, open: Opener): Library {
  const start = async (target: Target): Promise<Session> => {
    const undici = await load()
    const dispatcher = open(undici, target)
    const send = (url: string, init?: object): Promise<FetchAnswer> => undici.fetch(url, { ...init, dispatcher })
    return fetchSession(target, send, () => dispatcher.close())
  }
  return { name, protocol, available: always, start }
}
