/**
 * The language of the conversation targets: bytes as a list of acts. Actions of the server and of
 * the client are in one list, so that a mutation can put either anywhere. Every byte string is
 * valid.
 */

/**
 * Kinds of units. RAW and FRAME carry bytes and their length, all others three bytes of arguments.
 */
export const Op = {
  /** Raw bytes. */
  RAW: 0,
  /** A frame with a correct length: type, flags, stream, payload. */
  FRAME: 1,
  OPEN: 2,
  SEND: 3,
  RESET: 4,
  CONSUME: 5,
  PING: 6,
  GOAWAY: 7,
  TAKE: 8,
  RESUME: 9,
  REFILL: 10,
  ABANDON: 11,
  /** The next act happens inside a listener call. */
  DURING: 12,
  /** The server repeats its next output many times. */
  REPEAT: 13,
  /** The next delivery is split. */
  CUT: 14,
  /** A DATA frame with generated content. */
  FILL: 15,
  /** HEADERS with a block of the dictionary. */
  BLOCK: 16,
  OVERDUE: 17,
} as const

export const OP_KINDS = 18
/** The server's bytes are held and delivered together with those of the next unit. */
export const HOLD = 0x80

export const FIXED_BYTES = 4
export const RAW_HEAD_BYTES = 3
export const FRAME_HEAD_BYTES = 6

/** Position of the length in a unit's head, 0 for units of fixed size. */
export function lengthAt(kind: number): number {
  if (kind === Op.RAW) return RAW_HEAD_BYTES - 2
  return kind === Op.FRAME ? FRAME_HEAD_BYTES - 2 : 0
}

export function kindOf(byte: number): number {
  return (byte & 0x7f) % OP_KINDS
}

/** Returns the size of the unit at `at`; the last one may be truncated. */
export function unitBytes(input: Uint8Array, at: number): number {
  const field = lengthAt(kindOf(input[at]!))
  const left = input.length - at
  if (field === 0) return Math.min(FIXED_BYTES, left)
  if (left < field + 2) return left
  return Math.min(field + 2 + ((input[at + field]! << 8) | input[at + field + 1]!), left)
}

/** Creates a unit with a payload behind its head. Sets the length. */
export function withPayload(head: Uint8Array, payload: Uint8Array): Uint8Array {
  const unit = Buffer.concat([head, payload])
  unit.writeUInt16BE(Math.min(payload.length, 0xffff), head.length - 2)
  return unit
}

export function raw(bytes: Uint8Array, hold: boolean = false): Uint8Array {
  return withPayload(Uint8Array.of(Op.RAW | (hold ? HOLD : 0), 0, 0), bytes)
}

/** Converts a frame built by testkit into a unit whose parts can be mutated separately. */
export function frame(bytes: Uint8Array, hold: boolean = false): Uint8Array {
  return withPayload(Uint8Array.of(Op.FRAME | (hold ? HOLD : 0), bytes[3]!, bytes[4]!, bytes[8]!, 0, 0), bytes.subarray(9))
}

export function act(kind: number, x: number = 0, y: number = 0, z: number = 0): Uint8Array {
  return Uint8Array.of(kind, x, y, z)
}

const FAR_STREAMS = [0x7fff_ffff, 0x8000_0001, 0x7fff_fffe, 101, 1_001, 65_535] as const

/** Small numbers represent themselves; the others represent distant identifiers. */
export function streamIdOf(byte: number): number {
  return byte < 64 ? byte : FAR_STREAMS[byte % FAR_STREAMS.length]!
}
