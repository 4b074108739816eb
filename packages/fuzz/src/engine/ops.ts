/**
 * The language of the conversation targets: octets as a list of acts. What a server sends stands beside what the client does, so
 * that one mutation can put either anywhere. Every string of octets means something.
 */

/** What a unit does. RAW and FRAME carry octets and their number, all others three octets of arguments. */
export const Op = {
  /** Octets as they are. */
  RAW: 0,
  /** A frame whose length is right: type, flags, stream, payload. */
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
  /** The next act happens inside a call of the listener. */
  DURING: 12,
  /** What the server sends next, it sends many times. */
  REPEAT: 13,
  /** The next delivery comes in pieces. */
  CUT: 14,
  /** A DATA frame with octets that need not stand in the input. */
  FILL: 15,
  /** HEADERS with a block of the dictionary. */
  BLOCK: 16,
  OVERDUE: 17,
} as const

export const OP_KINDS = 18
/** The server's octets wait for those of the next unit and are delivered with them. */
export const HOLD = 0x80

export const FIXED_BYTES = 4
export const RAW_HEAD_BYTES = 3
export const FRAME_HEAD_BYTES = 6

/** Where the number of octets stands in a unit's head, 0 for units of fixed size. */
export function lengthAt(kind: number): number {
  if (kind === Op.RAW) return RAW_HEAD_BYTES - 2
  return kind === Op.FRAME ? FRAME_HEAD_BYTES - 2 : 0
}

export function kindOf(byte: number): number {
  return (byte & 0x7f) % OP_KINDS
}

/** The octets of the unit that starts at `at`; the last one may be cut off. */
export function unitBytes(input: Uint8Array, at: number): number {
  const field = lengthAt(kindOf(input[at]!))
  const left = input.length - at
  if (field === 0) return Math.min(FIXED_BYTES, left)
  if (left < field + 2) return left
  return Math.min(field + 2 + ((input[at + field]! << 8) | input[at + field + 1]!), left)
}

/** A unit with octets behind its head. The number of octets is put right. */
export function withPayload(head: Uint8Array, payload: Uint8Array): Uint8Array {
  const unit = Buffer.concat([head, payload])
  unit.writeUInt16BE(Math.min(payload.length, 0xffff), head.length - 2)
  return unit
}

export function raw(bytes: Uint8Array, hold: boolean = false): Uint8Array {
  return withPayload(Uint8Array.of(Op.RAW | (hold ? HOLD : 0), 0, 0), bytes)
}

/** A frame of a server, as testkit builds it, as a unit whose parts can be altered apart. */
export function frame(octets: Uint8Array, hold: boolean = false): Uint8Array {
  return withPayload(Uint8Array.of(Op.FRAME | (hold ? HOLD : 0), octets[3]!, octets[4]!, octets[8]!, 0, 0), octets.subarray(9))
}

export function act(kind: number, x: number = 0, y: number = 0, z: number = 0): Uint8Array {
  return Uint8Array.of(kind, x, y, z)
}

const FAR_STREAMS = [0x7fff_ffff, 0x8000_0001, 0x7fff_fffe, 101, 1_001, 65_535] as const

/** Small numbers are themselves; the others stand for identifiers far away. */
export function streamIdOf(byte: number): number {
  return byte < 64 ? byte : FAR_STREAMS[byte % FAR_STREAMS.length]!
}
