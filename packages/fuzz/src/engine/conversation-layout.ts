/**
 * Splits, creates and alters inputs of the conversation targets: frames and acts instead of single
 * bytes.
 */

import { FrameType } from '../../../testkit/src/frame-names.js'
import { BLOCKS, EDGE_BYTES, NUMBERS } from '../dictionary.js'
import type { Layout } from '../layout.js'
import type { Prng } from '../prng.js'
import { numbers, someBytes } from '../random-bytes.js'
import { act, FRAME_HEAD_BYTES, HOLD, kindOf, lengthAt, OP_KINDS, Op, unitBytes, withPayload } from './ops.js'

const STREAMS = [0, 1, 1, 1, 3, 3, 3, 5, 5, 7, 9, 2, 11, 64, 65, 66] as const
const TYPES = [0, 0, 1, 1, 1, 2, 3, 3, 4, 4, 5, 6, 7, 8, 8, 9, 10, 12, 11, 255] as const
const FLAGS = [0, 0, 1, 4, 4, 5, 5, 8, 9, 12, 13, 0x20, 0x24, 0x2c, 0x2d, 255] as const
const LOCAL_ACTS = [
  Op.OPEN,
  Op.OPEN,
  Op.SEND,
  Op.SEND,
  Op.RESET,
  Op.CONSUME,
  Op.CONSUME,
  Op.PING,
  Op.GOAWAY,
  Op.TAKE,
  Op.RESUME,
  Op.REFILL,
  Op.ABANDON,
  Op.OVERDUE,
  Op.DURING,
  Op.DURING,
  Op.REPEAT,
  Op.CUT,
  Op.FILL,
  Op.FILL,
  Op.BLOCK,
  Op.BLOCK,
  Op.BLOCK,
] as const
const LONGEST_RAW = 40

export class ConversationLayout implements Layout {
  readonly headBytes = 1

  split(input: Uint8Array): Uint8Array[] {
    const units: Uint8Array[] = []
    for (let at = this.headBytes; at < input.length; ) {
      const end = at + unitBytes(input, at)
      units.push(input.subarray(at, end))
      at = end
    }
    return units
  }

  invent(random: Prng): Uint8Array {
    const hold = random.oneIn(4) ? HOLD : 0
    switch (random.below(8)) {
      case 0:
        return withPayload(Uint8Array.of(Op.RAW | hold, 0, 0), someBytes(random, random.below(LONGEST_RAW)))
      case 1:
      case 2:
      case 3:
        return inventFrame(random, hold)
      default: {
        const kind = random.pick(LOCAL_ACTS)
        const stream = kind === Op.FILL || kind === Op.BLOCK
        return act(kind | hold, stream ? random.pick(STREAMS) : random.below(8), argument(random), random.below(8))
      }
    }
  }

  alter(unit: Uint8Array, random: Prng): Uint8Array {
    const copy = Uint8Array.from(unit)
    const kind = kindOf(copy[0]!)
    const field = lengthAt(kind)
    if (field === 0 || copy.length < field + 2) return alterAct(copy, random)
    if (random.oneIn(8)) copy[0] = copy[0]! ^ HOLD
    if (kind === Op.FRAME && random.oneIn(2)) {
      const part = 1 + random.below(FRAME_HEAD_BYTES - 3)
      copy[part] = part === 1 ? random.pick(TYPES) : part === 2 ? random.pick(FLAGS) : random.pick(STREAMS)
      return copy
    }
    // Sometimes the length is wrong on purpose: what follows becomes payload.
    if (random.oneIn(16)) {
      copy[field + 1] = random.pick(EDGE_BYTES)
      return copy
    }
    const head = copy.subarray(0, field + 2)
    return withPayload(head, alterPayload(copy.subarray(field + 2), kind === Op.FRAME ? copy[1]! : -1, random))
  }
}

function alterAct(copy: Uint8Array, random: Prng): Uint8Array {
  if (random.oneIn(6)) copy[0] = random.oneIn(2) ? copy[0]! ^ HOLD : random.below(OP_KINDS)
  else copy[1 + random.below(3)] = random.oneIn(2) ? random.below(12) : random.pick(EDGE_BYTES)
  return copy
}

function argument(random: Prng): number {
  return random.oneIn(3) ? random.below(256) : random.below(BLOCKS.length)
}

function inventFrame(random: Prng, hold: number): Uint8Array {
  const type = random.pick(TYPES)
  const ofConnection =
    type === FrameType.SETTINGS || type === FrameType.PING || type === FrameType.GOAWAY || type === FrameType.ORIGIN
  const stream = ofConnection && !random.oneIn(8) ? 0 : random.pick(STREAMS)
  return withPayload(Uint8Array.of(Op.FRAME | hold, type, random.pick(FLAGS), stream, 0, 0), payloadFor(type, random))
}

/** Returns a plausible payload for such a frame. */
function payloadFor(type: number, random: Prng): Uint8Array {
  switch (type) {
    case FrameType.HEADERS:
    case FrameType.CONTINUATION:
      return random.oneIn(3) ? Buffer.concat([random.pick(BLOCKS), random.pick(BLOCKS)]) : random.pick(BLOCKS)
    case FrameType.RST_STREAM:
      return numbers(random.below(16))
    case FrameType.WINDOW_UPDATE:
      return numbers(random.pick(NUMBERS))
    case FrameType.SETTINGS:
      return Buffer.concat(Array.from({ length: random.below(4) }, () => setting(random)))
    case FrameType.GOAWAY:
      return numbers(random.below(12), random.below(16))
    case FrameType.PING:
      return someBytes(random, 8)
    case FrameType.PRIORITY:
      return someBytes(random, 5)
    case FrameType.ALTSVC:
    case FrameType.ORIGIN:
      return Buffer.concat([Uint8Array.of(0, random.below(4)), someBytes(random, random.below(8))])
    default:
      return someBytes(random, random.below(20))
  }
}

function setting(random: Prng): Uint8Array {
  const entry = Buffer.alloc(6)
  entry.writeUInt16BE(1 + random.below(9))
  entry.writeUInt32BE(random.oneIn(2) ? random.below(8) : random.pick(NUMBERS), 2)
  return entry
}

function alterPayload(payload: Uint8Array, type: number, random: Prng): Uint8Array {
  if (type >= 0 && random.oneIn(3)) return payloadFor(type, random)
  const at = random.below(payload.length + 1)
  const rest = random.oneIn(2) ? at : Math.min(payload.length, at + 1 + random.below(4))
  const inserted = random.oneIn(3) ? random.pick(BLOCKS) : someBytes(random, random.below(5))
  return Buffer.concat([payload.subarray(0, at), inserted, payload.subarray(rest)])
}
