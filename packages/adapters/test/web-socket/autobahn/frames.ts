/** Frames of a server (RFC 6455 §5.2), valid or not. */

/** Opcodes (§11.8). */
export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** One case: frames of the server, and what an echoing client must answer. */
export interface Case {
  /** Number of the case in the Autobahn test suite. */
  readonly id: string
  readonly title: string
  /** Parts that are written to the stream, in order. */
  readonly parts: readonly Buffer[]
  /** Size of the writes, in bytes. Without it each part is one write. */
  readonly chop?: number
  /** Messages and Pongs of the client, in order. */
  readonly received: readonly string[]
  /** Code of the client's Close frame. 1000 answers the Close frame of the server, which it sends at the end unless `closes`. */
  readonly code: number
  /** Whether the parts have a Close frame. */
  readonly closes?: boolean
}

/** Returns a frame, which is not masked. */
export function frame(
  opcode: number,
  payload: Uint8Array | string = '',
  { fin = true, rsv = 0 }: { fin?: boolean; rsv?: number } = {},
): Buffer {
  const bytes = Buffer.from(payload as string)
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode
  if (bytes.length < 126) return Buffer.concat([Buffer.from([first, bytes.length]), bytes])
  const head = Buffer.alloc(bytes.length < 65_536 ? 4 : 10)
  head[0] = first
  if (head.length === 4) {
    head[1] = 126
    head.writeUInt16BE(bytes.length, 2)
  } else {
    head[1] = 127
    head.writeBigUInt64BE(BigInt(bytes.length), 2)
  }
  return Buffer.concat([head, bytes])
}

/** Returns a Close frame. */
export function close(code: number, reason: Uint8Array | string = ''): Buffer {
  return frame(Opcode.close, Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason as string)]))
}

/** Returns a message in fragments of a size. */
export function fragmented(opcode: number, payload: Uint8Array, size: number): Buffer[] {
  const parts: Buffer[] = []
  for (let start = 0; start === 0 || start < payload.length; start += size)
    parts.push(frame(start === 0 ? opcode : 0, payload.subarray(start, start + size), { fin: start + size >= payload.length }))
  return parts
}

/** The record of a message or a Pong. Long ones are shown by their length, and must have one byte in all places. */
export function note(kind: string, payload: Uint8Array | string): string {
  const bytes = Buffer.from(payload as string)
  if (bytes.length <= 200) return `${kind} ${bytes.toString('hex')}`
  const isUniform = bytes.every((byte) => byte === bytes[0])
  return `${kind} of ${bytes.length} × ${isUniform ? bytes[0] : 'different bytes'}`
}
