/** Plays an input: turns units into acts, in order. */

import { headers, raw as rawFrame } from '../../../testkit/src/frames.js'
import { BLOCKS } from '../dictionary.js'
import { forgetBroken, throwBroken } from '../target.js'
import { Conversation } from './conversation.js'
import { FRAME_HEAD_BYTES, HOLD, kindOf, Op, RAW_HEAD_BYTES, streamIdOf, unitBytes } from './ops.js'
import { withSlabs } from './slabs.js'
import { LISTENER_CALLS } from './witness.js'

/** Limits of one input. */
const MAX_UNITS = 300
const MAX_DELIVERED = 200_000
const MAX_REPEATS = 1_200
const END_STREAM = 0x1
const KNOWN_TYPES = 13

export interface PlayOptions {
  /** Every frame of the server is well formed, after a handshake: this reaches deeper code. */
  readonly framed: boolean
  /** Acts may happen inside calls of the listener. */
  readonly inner: boolean
  /** Deliveries are split as the input says. */
  readonly cut: boolean
}

export class Player {
  readonly #it: Conversation
  readonly #options: PlayOptions
  readonly #trace: ((line: string) => void) | undefined
  #held: Buffer[] = []
  #cut = 0
  #repeat = 1
  #delivered = 0
  /** The listener call inside which the next act happens. */
  #during = -1

  constructor(it: Conversation, options: PlayOptions, trace?: (line: string) => void) {
    this.#it = it
    this.#options = options
    this.#trace = trace
  }

  play(input: Uint8Array): void {
    let units = 0
    for (let at = 1; at < input.length && units < MAX_UNITS; units++) {
      const end = at + unitBytes(input, at)
      this.#unit(input.subarray(at, end))
      at = end
    }
    this.#deliver()
  }

  #unit(unit: Uint8Array): void {
    const serverBytes = this.#serverBytes(unit)
    if (serverBytes !== undefined) {
      this.#say(serverBytes)
      if ((unit[0]! & HOLD) === 0) this.#deliver()
      return
    }
    const [x = 0, y = 0, z = 0] = unit.subarray(1)
    const kind = kindOf(unit[0]!)
    if (kind === Op.DURING) this.#during = x % LISTENER_CALLS.length
    else if (kind === Op.REPEAT) this.#repeat = Math.min(MAX_REPEATS, 1 + x * 5)
    else if (kind === Op.CUT) this.#cut = x
    else if (this.#during >= 0 && this.#options.inner) {
      this.#it.inner.push({ call: LISTENER_CALLS[this.#during]!, run: () => this.#act(kind, x, y, z) })
      this.#during = -1
    } else this.#act(kind, x, y, z)
  }

  #say(bytes: Buffer): void {
    for (let i = 0; i < this.#repeat && this.#delivered < MAX_DELIVERED; i++) {
      this.#held.push(bytes)
      this.#delivered += bytes.length
    }
    this.#repeat = 1
  }

  #deliver(): void {
    if (this.#held.length === 0) return
    const bytes = Buffer.concat(this.#held)
    this.#held = []
    this.#trace?.(`< ${bytes.length > 64 ? `${bytes.toString('hex', 0, 64)}… ${bytes.length} bytes` : bytes.toString('hex')}`)
    this.#it.deliver(bytes, this.#options.cut ? this.#cut : 0)
    this.#cut = 0
  }

  /** Returns the bytes that a unit makes the server send, if it is such a unit. */
  #serverBytes(unit: Uint8Array): Buffer | undefined {
    const [first, x = 0, y = 0, z = 0] = unit
    switch (kindOf(first!)) {
      case Op.RAW:
        return this.#options.framed
          ? rawFrame(x % KNOWN_TYPES, y, streamIdOf(z), unit.subarray(4))
          : Buffer.from(unit.subarray(RAW_HEAD_BYTES))
      case Op.FRAME:
        return rawFrame(this.#options.framed && x > 15 ? x % KNOWN_TYPES : x, y, streamIdOf(z), unit.subarray(FRAME_HEAD_BYTES))
      case Op.FILL:
        return rawFrame(0, (z & 1) | ((z & 2) << 2), streamIdOf(x), Buffer.alloc((y & 0x7f) * 129, z & 2))
      case Op.BLOCK:
        return headers(streamIdOf(x), BLOCKS[y % BLOCKS.length]!, { endStream: (z & END_STREAM) !== 0, endHeaders: z < 128 })
      default:
        return undefined
    }
  }

  #act(kind: number, x: number, y: number, z: number): void {
    const it = this.#it
    switch (kind) {
      case Op.OPEN:
        return it.open(x, y, z)
      case Op.SEND:
        return it.send(x, y, z)
      case Op.RESET:
        return it.reset(x, y)
      case Op.CONSUME:
        return it.consume(x, y)
      case Op.PING:
        return it.ping(x)
      case Op.GOAWAY:
        return it.goaway(x)
      case Op.TAKE:
        it.take()
        return
      case Op.RESUME:
        return it.resume()
      case Op.REFILL:
        return it.refill()
      case Op.ABANDON:
        return it.abandon()
      case Op.OVERDUE:
        return it.overdue()
    }
  }
}

/** Plays one input to its end. */
export function play(input: Uint8Array, options: PlayOptions, trace?: (line: string) => void): void {
  const head = (input[0] ?? 0) | (options.framed ? 1 : 0)
  forgetBroken()
  withSlabs(() => {
    const it = new Conversation(head, trace)
    new Player(it, options, trace).play(input)
    it.finish()
    throwBroken()
  })
}
