/**
 * 100,000 random scripts run by the engine and by the reference model of RFC 9113 §5.1, with the
 * same results.
 */

import { FrameParser, numberOf } from '../../../../testkit/src/frame-parser.js'
import { errorCodeName } from '../../../src/h2/protocol/error-code.js'
import { Protocol } from '../../../src/h2/protocol/protocol.js'
import type { Stream, StreamOwner } from '../../../src/h2/protocol/stream.js'
import { StreamState } from '../../../src/h2/protocol/stream-state.js'
import { WindowBudget } from '../../../src/h2/protocol/window.js'
import {
  bytesOf,
  continuation,
  data,
  fieldBlock,
  goaway,
  headers,
  LOCAL,
  ping,
  priority,
  pushPromise,
  raw,
  request,
  rstStream,
  settings,
  settingsAck,
  windowUpdate,
} from './peer.js'
import { ReferenceModel, type Step } from './reference-model.js'

const SCRIPTS = 100_000
const MOST_STEPS = 16
const SEED = 20_260_000

/** Mulberry32: integers below `bound`, the same for the same seed. */
function random(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }
}

type Pick = (bound: number) => number
const flag = (pick: Pick): boolean => pick(2) === 1

/** Picks mostly an open stream, and rarely stream 0, a stream of the server or an idle stream. */
function anyStream(pick: Pick, opened: number): number {
  const dice = pick(20)
  if (dice === 0) return 0
  if (dice === 1) return 2
  return 1 + 2 * pick(opened + (dice === 2 ? 2 : 0) || 1)
}

const makers: readonly ((pick: Pick, stream: number) => Step)[] = [
  (pick) => ({ kind: (['get', 'post', 'head'] as const)[pick(3)]! }),
  (_pick, stream) => ({ kind: 'send-end', stream: stream | 1 }),
  (_pick, stream) => ({ kind: 'reset', stream: stream | 1 }),
  (pick, stream) => ({ kind: 'HEADERS', stream, status: 200, endStream: flag(pick) }),
  (pick, stream) => ({ kind: 'HEADERS', stream, status: 200, endStream: flag(pick) }),
  (pick, stream) => ({ kind: 'HEADERS', stream, status: 103, endStream: pick(8) === 0 }),
  (pick, stream) => ({ kind: 'HEADERS', stream, status: 0, endStream: pick(4) > 0 }),
  (pick, stream) => ({ kind: 'DATA', stream, bytes: pick(3), endStream: flag(pick) }),
  (pick, stream) => ({ kind: 'DATA', stream, bytes: pick(3), endStream: flag(pick) }),
  (_pick, stream) => ({ kind: 'RST_STREAM', stream }),
  (pick, stream) => ({ kind: 'WINDOW_UPDATE', stream, increment: pick(5) }),
  (_pick, stream) => ({ kind: 'PRIORITY', stream }),
  (pick) => ({ kind: (['SETTINGS', 'PING', 'UNKNOWN'] as const)[pick(3)]! }),
  (pick) => ({ kind: 'GOAWAY', last: pick(12) }),
  (pick, stream) => ({ kind: pick(2) === 0 ? 'CONTINUATION' : 'PUSH_PROMISE', stream: stream || 1 }),
]
/**
 * Number of makers at the end of the list that are rare, because they end the script or most of it.
 */
const RARE = 2

function script(pick: Pick): Step[] {
  const steps: Step[] = [{ kind: 'get' }, { kind: 'post' }]
  let opened = 2
  let closing = false
  for (let length = 1 + pick(MOST_STEPS); length > 0; length--) {
    const rare = pick(16) === 0 ? RARE : 0
    const step = makers[pick(makers.length - RARE + rare)]!(pick, anyStream(pick, opened))
    const opens = step.kind === 'get' || step.kind === 'post' || step.kind === 'head'
    if (opens && closing) continue
    if (opens) opened++
    if (step.kind === 'GOAWAY') closing = true
    steps.push(step)
  }
  return steps
}

const BLOCKS = { 0: fieldBlock([['t', 'u']]), 103: fieldBlock([[':status', '103']]), 200: Buffer.of(0x88) } as const
const BARE = { settings: settings(), ping: ping(), unknown: raw(0xbb, 0, 1, bytesOf(3)) } as const
const HEAD = { get: request(), post: request({ method: 'POST' }), head: request({ method: 'HEAD' }) }

function frameOf(step: Step): Buffer {
  switch (step.kind) {
    case 'HEADERS':
      return headers(step.stream, BLOCKS[step.status], { endStream: step.endStream })
    case 'DATA':
      return data(step.stream, bytesOf(step.bytes), { endStream: step.endStream })
    case 'RST_STREAM':
      return rstStream(step.stream, 8)
    case 'WINDOW_UPDATE':
      return windowUpdate(step.stream, step.increment)
    case 'PRIORITY':
      return priority(step.stream, { dependsOn: 0 })
    case 'CONTINUATION':
      return continuation(step.stream, BLOCKS[0])
    case 'PUSH_PROMISE':
      return pushPromise(step.stream, 2, [])
    case 'GOAWAY':
      return goaway(step.last)
    case 'SETTINGS':
      return BARE.settings
    case 'PING':
      return BARE.ping
    default:
      return BARE.unknown
  }
}

const STATES = ['idle', 'open', 'half-closed (local)', 'half-closed (remote)', 'closed'] as const

/** The engine with the interface of the model. */
class Engine {
  events: string[] = []
  readonly streams: Stream[] = []
  readonly #client: Protocol<StreamOwner>
  readonly #frames = new FrameParser()

  constructor() {
    const ignore = (): void => undefined
    const listener = {
      onCapacity: ignore,
      onStreamClosed: ignore,
      onGoaway: ignore,
      onPong: ignore,
      onOrigin: ignore,
      onAltSvc: ignore,
    }
    this.#client = new Protocol<StreamOwner>(listener, LOCAL, new WindowBudget(0))
    this.#client.start()
    this.#client.receive(Buffer.concat([BARE.settings, settingsAck()]))
    this.#client.takeOutput()
  }

  #owner(streamId: number): StreamOwner {
    const note = (name: string) => () => void this.events.push(`${name} ${streamId}`)
    return {
      onInformational: note('informational'),
      onResponse: note('response'),
      onData: note('data'),
      onEnd: note('end'),
      onStreamError: note('error'),
      onSendable: () => undefined,
      onClosed: note('closed'),
    }
  }

  step(step: Step): string | undefined {
    switch (step.kind) {
      case 'get':
      case 'post':
      case 'head':
        this.streams.push(
          this.#client.openStream(this.#owner(2 * this.streams.length + 1), HEAD[step.kind], step.kind !== 'post'),
        )
        return undefined
      case 'send-end': {
        const stream = this.streams[(step.stream - 1) / 2]
        if (stream !== undefined) this.#client.sendData(stream, undefined, true)
        return undefined
      }
      case 'reset': {
        const stream = this.streams[(step.stream - 1) / 2]
        if (stream !== undefined) this.#client.resetStream(stream, 8)
        return undefined
      }
      default: {
        const fault = this.#client.receive(frameOf(step))
        return fault === undefined ? undefined : errorCodeName(fault.errorCode)
      }
    }
  }

  takeEvents(): string[] {
    const { events } = this
    this.events = []
    return events
  }

  takeResets(): string[] {
    const frames = this.#client.takeOutput().flatMap((bytes) => this.#frames.push(bytes))
    const resets = frames.filter(({ typeName }) => typeName === 'RST_STREAM')
    return resets.map((frame) => `RST_STREAM ${frame.streamId} ${errorCodeName(numberOf(frame))}`)
  }

  get states(): string[] {
    return this.streams.map(({ state }) => STATES[state]!)
  }
}

/**
 * Runs one script. Returns the difference between engine and model, or `undefined`; counts each
 * step and fault.
 */
function difference(steps: readonly Step[], counts: Map<string, number>): string | undefined {
  const engine = new Engine()
  const model = new ReferenceModel()
  for (const [i, step] of steps.entries()) {
    const outcome = model.step(step)
    const fault = engine.step(step)
    counts.set(fault ?? step.kind, (counts.get(fault ?? step.kind) ?? 0) + 1)
    if (fault !== outcome.fault) return `step ${i}: engine ${fault}, model ${outcome.fault}`
    if (fault !== undefined) return undefined
    const events = engine.takeEvents().join()
    if (events !== outcome.events.join()) return `step ${i}: engine told [${events}], model [${outcome.events.join()}]`
    const resets = engine.takeResets().join()
    if (resets !== outcome.resets.join()) return `step ${i}: engine sent [${resets}], model [${outcome.resets.join()}]`
    const states = engine.states.join()
    const expected = engine.streams.map(({ id }) => model.stateOf(id)).join()
    if (states !== expected) return `step ${i}: engine [${states}], model [${expected}]`
  }
  return undefined
}

it(`the engine agrees with the model of RFC 9113 §5.1 in ${SCRIPTS} scripts (seed ${SEED})`, () => {
  const counts = new Map<string, number>()
  for (let i = 0; i < SCRIPTS; i++) {
    const steps = script(random(SEED + i))
    const differs = difference(steps, counts)
    if (differs !== undefined) throw new Error(`script ${i}: ${differs}\n${steps.map((step) => JSON.stringify(step)).join('\n')}`)
  }
  // Every kind of step, and every connection error of the model, occurred often.
  for (const kind of ['get', 'send-end', 'reset', 'HEADERS', 'DATA', 'RST_STREAM', 'GOAWAY', 'PROTOCOL_ERROR', 'STREAM_CLOSED']) {
    expect([kind, counts.get(kind)! > 1_000]).toEqual([kind, true])
  }
}, 120_000)

it('the check fails for a wrong model', () => {
  class WrongModel extends ReferenceModel {
    override stateOf(id: number): ReturnType<ReferenceModel['stateOf']> {
      const state = super.stateOf(id)
      return state === 'half-closed (remote)' ? 'closed' : state
    }
  }
  const engine = new Engine()
  const wrongModel = new WrongModel()
  for (const step of [{ kind: 'post' }, { kind: 'HEADERS', stream: 1, status: 200, endStream: true }] as const) {
    wrongModel.step(step)
    engine.step(step)
  }
  expect(engine.states).toEqual([STATES[StreamState.HALF_CLOSED_REMOTE]])
  expect(wrongModel.stateOf(1)).toBe('closed')
})
