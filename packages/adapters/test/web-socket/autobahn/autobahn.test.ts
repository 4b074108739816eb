/**
 * The cases of the Autobahn test suite for clients, restated: a client that sends each message back, over HTTP/2 and HTTP/1.1. Cases 9
 * are about large messages, 12 and 13 about compression.
 */

import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Client } from '@unshard/core'
import { type WebSocket as ServerSocket, WebSocketServer } from 'ws'
import { Receiver } from '../../../src/web-socket/frame-library.js'
import { createWebSocket } from '../../../src/web-socket/index.js'
import { httpFixture } from '../../http/fixture.js'
import { type Offer, webSocketServer } from '../server.js'
import { CASES } from './cases.js'
import { type Case, close, fragmented, frame, note, Opcode } from './frames.js'

const fixture = httpFixture()

interface Judgement {
  /** Messages and Pongs of the client. */
  readonly received: string[]
  /** Code of the client's Close frame. */
  readonly code: number
}

/** Plays a case on the stream of a server; resolves when the client has ended it. */
function play(stream: Duplex, { parts, chop, received: expected, closes = false, code: expectedCode }: Case): Promise<Judgement> {
  const received: string[] = []
  let code = 1_006
  const receiver = new Receiver({ isServer: true, extensions: {}, maxPayload: 0, maxFragments: 0, maxBufferedChunks: 0 } as never)
  const finish = (): void => {
    if (received.length === expected.length && expectedCode === 1_000 && !closes) stream.write(close(1_000))
  }
  receiver.on('message', (data: Buffer, isBinary: boolean) => received.push(note(isBinary ? 'binary' : 'text', data)) && finish())
  receiver.on('pong', (data: Buffer) => received.push(note('pong', data)) && finish())
  receiver.on('conclude', (given: number) => {
    code = given
    stream.end()
  })
  receiver.on('error', (error) => received.push(String(error)))
  const done = new Promise<void>((resolve) => stream.on('end', resolve).on('error', resolve))
  stream.on('data', (chunk: Buffer) => receiver.write(chunk))
  const whole = Buffer.concat(parts)
  if (chop === undefined) for (const part of parts) stream.write(part)
  else for (let start = 0; start < whole.length; start += chop) stream.write(whole.subarray(start, start + chop))
  return done.then(() => ({ received, code }))
}

/** A server that plays the case of a path. */
async function fuzzingServer(
  offer: Offer,
  cases: readonly Case[],
): Promise<{ url: string; judgement(id: string): Promise<Judgement> }> {
  const waiting = new Map<string, (judgement: Promise<Judgement>) => void>()
  const { url } = await webSocketServer(fixture, offer, {
    open(stream, headers) {
      const id = String(headers['x-case'])
      waiting.get(id)!(play(stream, cases.find((each) => each.id === id)!))
    },
  })
  return { url, judgement: (id) => new Promise((resolve) => waiting.set(id, resolve)) }
}

/** Runs the client of a case: it sends each message back. Resolves with its event `close`. */
function echoAll(client: Client, url: string, id: string): Promise<{ code: number; wasClean: boolean }> {
  const socket = createWebSocket(client, url, [], { headers: { 'x-case': id }, compression: false })
  socket.binaryType = 'arraybuffer'
  socket.onmessage = ({ data }) => socket.send(data as string)
  return new Promise((resolve) => socket.addEventListener('close', resolve))
}

describe.each([
  ['HTTP/2', { h2: true, connectProtocol: true }],
  ['HTTP/1.1', { h2: false, connectProtocol: false }],
] as const)('over %s', (_title, offer) => {
  it.each(['1', '2', '3', '4', '5', '6', '7', '10'])('cases %s.*', async (group) => {
    const cases = CASES.filter(({ id }) => id.startsWith(`${group}.`))
    expect(cases.length).toBeGreaterThan(0)
    const { url, judgement } = await fuzzingServer(offer, cases)
    const client = fixture.client()
    for (const { id, title, received, code, closes = false } of cases) {
      const judged = judgement(id)
      const event = await echoAll(client, url, id)
      const isValid = closes || code === 1_000
      expect({ id, title, ...(await judged), wasClean: event.wasClean }).toEqual({ id, title, received, code, wasClean: isValid })
      expect(event.code).toBe(isValid ? code : 1_006)
    }
  })

  const sizes = [65_536, 262_144, 1_048_576, 4_194_304, 8_388_608, 16_777_216]
  it.each(['text', 'binary'] as const)(
    'cases 9.1 to 9.6: large %s messages, whole, in fragments and in parts',
    async (kind) => {
      const opcode = Opcode[kind]
      const group = kind === 'text' ? 0 : 1
      const filled = (size: number): Buffer => Buffer.alloc(size, '*')
      const base = { title: kind, code: 1_000 } as const
      const cases: Case[] = [
        ...sizes.map((size, i) => ({
          ...{
            ...base,
            id: `9.${1 + group}.${i + 1}`,
            parts: [frame(opcode, filled(size))],
            received: [note(kind, filled(size))],
          },
        })),
        ...[256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304].map((size, i) => ({
          ...{ ...base, id: `9.${3 + group}.${i + 2}`, parts: fragmented(opcode, filled(4_194_304), size) },
          received: [note(kind, filled(4_194_304))],
        })),
        ...[64, 128, 256, 512, 1_024, 2_048].map((chop, i) => ({
          ...{ ...base, id: `9.${5 + group}.${i + 1}`, chop, parts: [frame(opcode, filled(1_048_576))] },
          received: [note(kind, filled(1_048_576))],
        })),
      ]
      const { url, judgement } = await fuzzingServer(offer, cases)
      const client = fixture.client()
      for (const { id, received } of cases) {
        const judged = judgement(id)
        await echoAll(client, url, id)
        expect({ id, ...(await judged) }).toEqual({ id, received, code: 1_000 })
      }
    },
    60_000,
  )
})

describe('compression', () => {
  /** A server of `ws`, which sends messages one after another and counts those that come back. */
  async function compressing(options: object): Promise<{ url: string; run(sizes: readonly number[]): Promise<number> }> {
    const https = createServer(await fixture.tls()).listen(0, '127.0.0.1')
    await once(https, 'listening')
    fixture.defer(() => void https.close())
    const sockets = new WebSocketServer({ server: https, perMessageDeflate: options, maxPayload: 0 })
    return {
      url: `wss://a.test.example:${(https.address() as AddressInfo).port}`,
      async run(sizes) {
        const [socket] = (await once(sockets, 'connection')) as [ServerSocket]
        let echoed = 0
        for (const size of sizes) {
          const data = Array.from({ length: size }, (_, i) => String.fromCharCode(97 + ((i * i) % 23))).join('')
          socket.send(data, { binary: size % 2 === 0 })
          const [back] = (await once(socket, 'message')) as [Buffer]
          if (String(back) === data) echoed++
        }
        socket.close(1_000)
        return echoed
      },
    }
  }

  it.each([
    ['12.1', {}],
    ['13.1', { serverNoContextTakeover: false, clientNoContextTakeover: false }],
    ['13.2', { serverNoContextTakeover: true }],
    ['13.3', { serverMaxWindowBits: 9 }],
    ['13.4', { serverMaxWindowBits: 15 }],
    ['13.5', { serverNoContextTakeover: true, serverMaxWindowBits: 9 }],
    ['13.6', { clientNoContextTakeover: true, clientMaxWindowBits: 9 }],
    ['13.7', { serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 10, clientMaxWindowBits: 10 }],
  ])('cases %s.*: messages of 16 bytes to 128 KiB with the parameters %j', async (_id, options) => {
    const sizes = [16, 64, 256, 1_024, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072].flatMap((size) =>
      Array<number>(5).fill(size),
    )
    const { url, run } = await compressing({ threshold: 0, ...options })
    const echoed = run(sizes)
    const socket = createWebSocket(fixture.client(), url)
    socket.binaryType = 'arraybuffer'
    socket.onmessage = ({ data }) => socket.send(data as string)
    await once(socket as never, 'close')
    expect(await echoed).toBe(sizes.length)
    expect(socket.extensions).toContain('permessage-deflate')
  })
})
