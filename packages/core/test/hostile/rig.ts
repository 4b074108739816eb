/**
 * The stage of the tests of hostile servers: a peer that plays its part on each connection, the real client over real sockets, and
 * another origin of the same client, on which a response is under way from before the attack until after it.
 */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  type Credentials,
  ErrorCode,
  FakeClock,
  type Field,
  frames,
  goawayOf,
  numberOf,
  type OriginServer,
  type Script,
  type ScriptedConnection,
  type ScriptedPeer,
  type SettingsRecord,
  startOriginServer,
} from '@unshard/testkit'
import type { Client, ClientOptions, HttpResponse, RequestOptions } from '../../src/index.js'
import { clientFixture } from '../client/fixture.js'

export type ErrorName = keyof typeof ErrorCode

/** Over TLS and over cleartext with prior knowledge. */
export interface Transport {
  readonly scheme: 'https' | 'http'
  readonly client: ClientOptions
}

export const transports: [string, Transport][] = [
  ['TLS', { scheme: 'https', client: {} }],
  ['h2c', { scheme: 'http', client: { cleartextProtocol: 'h2' } }],
]

/** What a test acts on. */
export interface Stage {
  readonly one: Client
  /** Stands still until the test moves it. */
  readonly clock: FakeClock
  readonly peer: ScriptedPeer
  /** Of the hostile origin. */
  url(path?: string): string
  request(options?: Partial<RequestOptions>): Promise<HttpResponse>
}

export interface Theatre {
  readonly world: ReturnType<typeof clientFixture>
  stage(transport: Transport, script: Script, options?: ClientOptions): Promise<Stage>
}

/** Call once, at the top level of a test file. After each test the other origin is asked whether it noticed anything. */
export function theatre(): Theatre {
  const world = clientFixture()
  let issued: Promise<Credentials> | undefined
  // One for the whole file: it is never attacked.
  const others = new Map<string, Promise<OriginServer>>()
  afterAll(async () => {
    for (const other of others.values()) await (await other).close()
  })
  function otherOrigin(scheme: string, tls: Credentials | undefined): Promise<OriginServer> {
    const other = others.get(scheme) ?? startOriginServer({ protocols: ['h2'], tls })
    others.set(scheme, other)
    return other
  }
  async function stage(transport: Transport, script: Script, options: ClientOptions = {}): Promise<Stage> {
    const clock = new FakeClock()
    const one = world.client({ ...transport.client, clock, ...options })
    issued ??= world.tls()
    const credentials = transport.scheme === 'https' ? await issued : undefined
    const prompt: Script = (p, index) => {
      // A script that writes in pieces must not wait for delayed acknowledgements.
      p.socket.setNoDelay(true)
      return script(p, index)
    }
    const peer = await world.peer(prompt, { tls: credentials })
    const other = await otherOrigin(transport.scheme, credentials)
    await bystander(world, one, other, `${transport.scheme}://b.test.example:${other.port}`)
    world.defer(() => expect(peer.failures).toEqual([]))
    const url = (path = '/'): string => `${transport.scheme}://a.test.example:${peer.port}${path}`
    return { one, clock, peer, url, request: (given) => one.request({ url: url(), ...given }) }
  }
  return { world, stage }
}

/** A response of another origin that is half there now, and comes to its end after the test, on the same connection. */
async function bystander(
  { defer }: ReturnType<typeof clientFixture>,
  one: Client,
  other: OriginServer,
  url: string,
): Promise<void> {
  const before = other.connections
  const slow = await one.request({ url: `${url}/slow` })
  defer(async () => {
    other.release()
    expect(await slow.text()).toBe('released')
    expect((await one.request({ url })).status).toBe(200)
    expect(other.connections - before).toBe(1)
  })
}

/** A promise and the way to resolve it. */
export function gate<T = void>(): { promise: Promise<T>; open(value: T): void } {
  let open!: (value: T) => void
  const promise = new Promise<T>((resolve) => {
    open = resolve
  })
  return { promise, open }
}

/** Name, value, name, value as field lines. */
export function fields(...list: string[]): Field[] {
  const lines: Field[] = []
  for (let i = 0; i < list.length; i += 2) lines.push([list[i]!, list[i + 1]!])
  return lines
}

/** A final response's HEADERS. */
export function response(streamId: number, list: string[] = [], options: Parameters<typeof frames.headers>[2] = {}): Buffer {
  return frames.headers(streamId, fields(':status', '200', ...list), options)
}

const errorNames = new Map<number, string>(Object.entries(ErrorCode).map(([name, code]) => [code, name]))

/** Every GOAWAY and RST_STREAM that the peer has heard, as `GOAWAY PROTOCOL_ERROR` and `RST_STREAM 1 CANCEL`. */
export function heard({ received }: ScriptedConnection): string[] {
  const lines: string[] = []
  for (const frame of received) {
    if (frame.typeName === 'GOAWAY') lines.push(`GOAWAY ${errorNames.get(goawayOf(frame).errorCode)}`)
    if (frame.typeName === 'RST_STREAM') lines.push(`RST_STREAM ${frame.streamId} ${errorNames.get(numberOf(frame))}`)
  }
  return lines
}

/** Answers every request from now on. */
export async function serve(p: ScriptedConnection, status = 204): Promise<never> {
  for (;;) p.respond((await p.nextRequest()).streamId, status)
}

/** A connection error of our finding. */
export function connectionError(code: ErrorName, processed: 'yes' | 'unknown'): object {
  return { name: 'ConnectionError', code: 'ERR_PROTOCOL', errorCode: ErrorCode[code], initiator: 'local', processed }
}

/** A stream error of our finding: the response is at fault. */
export function responseError(code: ErrorName): object {
  const ours = code === 'ENHANCE_YOUR_CALM' ? 'ERR_RESPONSE_TOO_LARGE' : 'ERR_MALFORMED_RESPONSE'
  return { name: 'ResponseError', code: ours, cause: expect.objectContaining({ message: code }) }
}

/** What one row says on the stream of the request that it answers. */
export type Attack = (streamId: number) => readonly Uint8Array[]

export interface RowOptions {
  /** The response has begun before the attack. Default true for connection errors and what is harmless, else false. */
  readonly begun?: boolean
  readonly settings?: SettingsRecord
  readonly client?: ClientOptions
  readonly request?: Partial<RequestOptions>
  /** What the request ends with, where it is not the usual error. */
  readonly culprit?: unknown
  /** What the peer hears, where it is not the usual frame. */
  readonly heard?: readonly string[]
  /** The attack ends with {@link insertion}: the next response names that entry, so HPACK must be in step. */
  readonly inStep?: boolean
}

/** A literal field that enters the dynamic table: `in: step`. */
export const insertion: Buffer = Buffer.from('4002696e0473746570', 'hex')
/** `:status: 200` and the newest entry of the dynamic table. */
const indexed = Buffer.from('88be', 'hex')

interface Played {
  readonly culprit: Promise<string>
  readonly sibling: Promise<HttpResponse>
  readonly actors: Stage
}

/** Two requests on one connection; the attack goes to the first, a good answer behind it to the second. */
async function play({ stage }: Theatre, transport: Transport, attack: Attack, options: RowOptions): Promise<Played> {
  const actors = await stage(
    transport,
    async (p, index) => {
      await p.handshake(options.settings)
      if (index === 0) {
        const [culprit, sibling] = [await p.nextRequest(), await p.nextRequest()]
        if (options.begun === true) p.send(response(culprit.streamId))
        p.send(...attack(culprit.streamId))
        if (options.inStep === true) p.send(frames.headers(sibling.streamId, indexed, { endStream: true }))
        else p.respond(sibling.streamId, 204)
      }
      await serve(p)
    },
    options.client,
  )
  const culprit = actors.request(options.request).then((answer) => answer.text())
  const sibling = actors.request({ method: 'POST' })
  culprit.catch(() => undefined)
  sibling.catch(() => undefined)
  return { culprit, sibling, actors }
}

/** The whole connection ends with GOAWAY and this code; the next request goes over a new one. */
export async function endsConnection(t: Theatre, on: Transport, code: ErrorName, attack: Attack, given: RowOptions = {}) {
  const options = { begun: true, ...given }
  const { culprit, sibling, actors } = await play(t, on, attack, options)
  await expect(culprit).rejects.toMatchObject(options.culprit ?? connectionError(code, options.begun ? 'yes' : 'unknown'))
  await expect(sibling).rejects.toMatchObject(connectionError(code, 'unknown'))
  await actors.peer.peers[0]!.closed
  expect(heard(actors.peer.peers[0]!)).toEqual(options.heard ?? [`GOAWAY ${code}`])
  expect((await actors.request()).status).toBe(204)
  expect(actors.peer.connections).toBe(2)
}

/** One stream ends with RST_STREAM and this code; its sibling and the connection go on. */
export async function endsStream(t: Theatre, on: Transport, code: ErrorName, attack: Attack, options: RowOptions = {}) {
  const { culprit, sibling, actors } = await play(t, on, attack, options)
  await expect(culprit).rejects.toMatchObject(options.culprit ?? responseError(code))
  await goesOn(sibling, actors, options)
  expect(heard(actors.peer.peers[0]!)).toEqual(options.heard ?? [`RST_STREAM 1 ${code}`])
}

/** Nothing happens: the response comes to its end with this content. */
export async function isHarmless(t: Theatre, on: Transport, text: string, attack: Attack, given: RowOptions = {}) {
  const options = { begun: true, ...given }
  const { culprit, sibling, actors } = await play(t, on, attack, options)
  expect(await culprit).toBe(text)
  await goesOn(sibling, actors, options)
  expect(heard(actors.peer.peers[0]!)).toEqual(options.heard ?? [])
}

async function goesOn(sibling: Promise<HttpResponse>, actors: Stage, { inStep }: RowOptions): Promise<void> {
  const answer = await sibling
  expect([answer.status, answer.headers.get('in')]).toEqual(inStep === true ? [200, 'step'] : [204, undefined])
  expect((await actors.request()).status).toBe(204)
  expect(actors.peer.connections).toBe(1)
}

/** Content that has begun and never ends. A new one for each request that sends it. */
export const endless: AsyncIterable<string> = {
  async *[Symbol.asyncIterator]() {
    yield 'x'
    await new Promise(() => undefined)
  },
}

/** DATA that ends the response. */
export function endWith(streamId: number, text = 'ok'): Buffer {
  return frames.data(streamId, text, { endStream: true })
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes in use after garbage collection. */
export async function memory(): Promise<number> {
  // Twice, with a turn between: what finalisers let go of goes in the second round.
  for (let i = 0; i < 2; i++) {
    await new Promise(setImmediate)
    collect()
  }
  // `external` has `arrayBuffers` in it.
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Until something is so: each look one turn of the event loop later. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate)
}
