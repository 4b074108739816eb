/**
 * Fixture for tests of hostile servers: a scripted peer, the real client over real sockets, and a
 * second origin of the same client, whose response is open from before the attack until after it.
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

/** TLS, or cleartext with prior knowledge. */
export interface Transport {
  readonly scheme: 'https' | 'http'
  readonly client: ClientOptions
}

export const transports: [string, Transport][] = [
  ['TLS', { scheme: 'https', client: {} }],
  ['h2c', { scheme: 'http', client: { cleartextProtocol: 'h2' } }],
]

/** The client, the hostile peer and the clock of one test. */
export interface Setup {
  readonly client: Client
  /** Advances only when the test advances it. */
  readonly clock: FakeClock
  readonly peer: ScriptedPeer
  /** Returns a URL of the hostile origin. */
  url(path?: string): string
  request(options?: Partial<RequestOptions>): Promise<HttpResponse>
}

export interface HostileFixture {
  readonly base: ReturnType<typeof clientFixture>
  open(transport: Transport, script: Script, options?: ClientOptions): Promise<Setup>
}

/**
 * Creates the fixture; call once, at the top level of a test file. Each test ends with a check of
 * the second origin.
 */
export function hostileFixture(): HostileFixture {
  const base = clientFixture()
  let issued: Promise<Credentials> | undefined
  // Started once for each file, because it is never attacked.
  const bystanders = new Map<string, Promise<OriginServer>>()
  afterAll(async () => {
    for (const bystander of bystanders.values()) await (await bystander).close()
  })
  function bystanderOf(scheme: string, tls: Credentials | undefined): Promise<OriginServer> {
    const bystander = bystanders.get(scheme) ?? startOriginServer({ protocols: ['h2'], tls })
    bystanders.set(scheme, bystander)
    return bystander
  }
  async function open(transport: Transport, script: Script, options: ClientOptions = {}): Promise<Setup> {
    const clock = new FakeClock()
    const client = base.client({ ...transport.client, clock, ...options })
    issued ??= base.tls()
    const credentials = transport.scheme === 'https' ? await issued : undefined
    const prompt: Script = (p, index) => {
      // A script that writes in pieces must not wait for delayed acknowledgements.
      p.socket.setNoDelay(true)
      return script(p, index)
    }
    const peer = await base.peer(prompt, { tls: credentials })
    const bystander = await bystanderOf(transport.scheme, credentials)
    await checkBystander(base, client, bystander, `${transport.scheme}://b.test.example:${bystander.port}`)
    base.defer(() => expect(peer.failures).toEqual([]))
    const url = (path = '/'): string => `${transport.scheme}://a.test.example:${peer.port}${path}`
    return { client, clock, peer, url, request: (given) => client.request({ url: url(), ...given }) }
  }
  return { base, open }
}

/** Opens a response of the second origin, which must end after the test, on the same connection. */
async function checkBystander(
  { defer }: ReturnType<typeof clientFixture>,
  client: Client,
  bystander: OriginServer,
  url: string,
): Promise<void> {
  const baseline = bystander.connections
  const slow = await client.request({ url: `${url}/slow` })
  defer(async () => {
    bystander.release()
    expect(await slow.text()).toBe('released')
    expect((await client.request({ url })).status).toBe(200)
    expect(bystander.connections - baseline).toBe(1)
  })
}

/** Creates a promise and the function that resolves it. */
export function gate<T = void>(): { promise: Promise<T>; open(value: T): void } {
  let open!: (value: T) => void
  const promise = new Promise<T>((resolve) => {
    open = resolve
  })
  return { promise, open }
}

/** Turns name, value, name, value … into field lines. */
export function fields(...list: string[]): Field[] {
  const lines: Field[] = []
  for (let i = 0; i < list.length; i += 2) lines.push([list[i]!, list[i + 1]!])
  return lines
}

/** HEADERS of a final response. */
export function response(streamId: number, list: string[] = [], options: Parameters<typeof frames.headers>[2] = {}): Buffer {
  return frames.headers(streamId, fields(':status', '200', ...list), options)
}

const errorNames = new Map<number, string>(Object.entries(ErrorCode).map(([name, code]) => [code, name]))

/**
 * Lists every GOAWAY and RST_STREAM that the peer received, as `GOAWAY PROTOCOL_ERROR` and
 * `RST_STREAM 1 CANCEL`.
 */
export function errorFrames({ received }: ScriptedConnection): string[] {
  const lines: string[] = []
  for (const frame of received) {
    if (frame.typeName === 'GOAWAY') lines.push(`GOAWAY ${errorNames.get(goawayOf(frame).errorCode)}`)
    if (frame.typeName === 'RST_STREAM') lines.push(`RST_STREAM ${frame.streamId} ${errorNames.get(numberOf(frame))}`)
  }
  return lines
}

/** Answers every request, from this call on. */
export async function serve(p: ScriptedConnection, status = 204): Promise<never> {
  for (;;) p.respond((await p.nextRequest()).streamId, status)
}

/** A connection error that the client detected. */
export function connectionError(code: ErrorName, processed: 'yes' | 'unknown'): object {
  return { name: 'ConnectionError', code: 'ERR_PROTOCOL', errorCode: ErrorCode[code], initiator: 'local', processed }
}

/** A stream error that the client detected in a response. */
export function responseError(code: ErrorName): object {
  const errorCode = code === 'ENHANCE_YOUR_CALM' ? 'ERR_RESPONSE_TOO_LARGE' : 'ERR_MALFORMED_RESPONSE'
  return { name: 'ResponseError', code: errorCode, cause: expect.objectContaining({ message: code }) }
}

/** Frames of one row, on the stream of the attacked request. */
export type Attack = (streamId: number) => readonly Uint8Array[]

export interface RowOptions {
  /**
   * The response begins before the attack. Default true for connection errors and frames without
   * effect, else false.
   */
  readonly responseBegun?: boolean
  readonly settings?: SettingsRecord
  readonly client?: ClientOptions
  readonly request?: Partial<RequestOptions>
  /** Error of the attacked request, if it is not the usual one. */
  readonly error?: unknown
  /** Error frames that the peer receives, if they are not the usual ones. */
  readonly errorFrames?: readonly string[]
  /**
   * The attack ends with {@link insertion}; the next response refers to that entry, so HPACK must
   * be in step.
   */
  readonly inStep?: boolean
}

/** A literal field that enters the dynamic table: `in: step`. */
export const insertion: Buffer = Buffer.from('4002696e0473746570', 'hex')
/** `:status: 200` and the newest entry of the dynamic table. */
const indexed = Buffer.from('88be', 'hex')

interface AttackedRequests {
  /** Content of the attacked response. */
  readonly content: Promise<string>
  readonly sibling: Promise<HttpResponse>
  readonly setup: Setup
}

/** Sends two requests on one connection; the peer attacks the first and then answers the second. */
async function attackFirst(
  { open }: HostileFixture,
  transport: Transport,
  attack: Attack,
  options: RowOptions,
): Promise<AttackedRequests> {
  const setup = await open(
    transport,
    async (p, index) => {
      await p.handshake(options.settings)
      if (index === 0) {
        const [first, sibling] = [await p.nextRequest(), await p.nextRequest()]
        if (options.responseBegun === true) p.send(response(first.streamId))
        p.send(...attack(first.streamId))
        if (options.inStep === true) p.send(frames.headers(sibling.streamId, indexed, { endStream: true }))
        else p.respond(sibling.streamId, 204)
      }
      await serve(p)
    },
    options.client,
  )
  const content = setup.request(options.request).then((answer) => answer.text())
  const sibling = setup.request({ method: 'POST' })
  content.catch(() => undefined)
  sibling.catch(() => undefined)
  return { content, sibling, setup }
}

/**
 * Expects that the attack ends the connection with GOAWAY and this code, and that the next request
 * uses another one.
 */
export async function expectConnectionError(
  fixture: HostileFixture,
  transport: Transport,
  code: ErrorName,
  attack: Attack,
  given: RowOptions = {},
) {
  const options = { responseBegun: true, ...given }
  const { content, sibling, setup } = await attackFirst(fixture, transport, attack, options)
  await expect(content).rejects.toMatchObject(options.error ?? connectionError(code, options.responseBegun ? 'yes' : 'unknown'))
  await expect(sibling).rejects.toMatchObject(connectionError(code, 'unknown'))
  await setup.peer.peers[0]!.closed
  expect(errorFrames(setup.peer.peers[0]!)).toEqual(options.errorFrames ?? [`GOAWAY ${code}`])
  expect((await setup.request()).status).toBe(204)
  expect(setup.peer.connections).toBe(2)
}

/**
 * Expects that the attack ends one stream with RST_STREAM and this code, and that its sibling
 * completes.
 */
export async function expectStreamError(
  fixture: HostileFixture,
  transport: Transport,
  code: ErrorName,
  attack: Attack,
  options: RowOptions = {},
) {
  const { content, sibling, setup } = await attackFirst(fixture, transport, attack, options)
  await expect(content).rejects.toMatchObject(options.error ?? responseError(code))
  await expectReuse(sibling, setup, options)
  expect(errorFrames(setup.peer.peers[0]!)).toEqual(options.errorFrames ?? [`RST_STREAM 1 ${code}`])
}

/** Expects that the attack has no effect: the response ends with this content. */
export async function expectNoEffect(
  fixture: HostileFixture,
  transport: Transport,
  text: string,
  attack: Attack,
  given: RowOptions = {},
) {
  const options = { responseBegun: true, ...given }
  const { content, sibling, setup } = await attackFirst(fixture, transport, attack, options)
  expect(await content).toBe(text)
  await expectReuse(sibling, setup, options)
  expect(errorFrames(setup.peer.peers[0]!)).toEqual(options.errorFrames ?? [])
}

async function expectReuse(sibling: Promise<HttpResponse>, setup: Setup, { inStep }: RowOptions): Promise<void> {
  const answer = await sibling
  expect([answer.status, answer.headers.get('in')]).toEqual(inStep === true ? [200, 'step'] : [204, undefined])
  expect((await setup.request()).status).toBe(204)
  expect(setup.peer.connections).toBe(1)
}

/** Content that begins and never ends; each request that sends it opens its own iterator. */
export const endlessBody: AsyncIterable<string> = {
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
const collect = globalThis.gc ?? (runInNewContext('gc') as () => void)

/** Returns the bytes in use after garbage collection. */
export async function memory(): Promise<number> {
  // Two rounds with a turn between them: the second round frees the memory that finalizers
  // released.
  for (let i = 0; i < 2; i++) {
    await new Promise(setImmediate)
    collect()
  }
  // `external` includes `arrayBuffers`.
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Waits until the condition holds, one turn of the event loop between two checks. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}

/** Advances the clock by steps of 100 ms, one for each turn of the event loop, until the promise is settled. */
export async function whileTimePasses<Result>(clock: FakeClock, promise: Promise<Result>): Promise<Result> {
  let settled = false
  const settle = (): void => {
    settled = true
  }
  promise.then(settle, settle)
  await until(() => {
    if (!settled) clock.advance(100)
    return settled
  })
  return promise
}
