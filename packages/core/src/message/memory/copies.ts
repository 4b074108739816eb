/**
 * Memory for content. What the engine hands over lies in the socket's memory, which the next read overwrites: it is copied here, once. What
 * a reader gets is in memory that nothing else is in, neither another response nor another part of the same: it may be kept, written to,
 * or given away to another thread.
 */

/** Shorter parts are not given memory of their own before somebody reads them: an object of memory costs about as much. Bytes. */
export const SMALL_BYTES = 1_024
/** Room for small parts of many responses, which is never handed out itself. Bytes. */
const ARENA_BYTES = 8_192
/** Up to here a loop is faster than a view and a call. Bytes. */
const LOOP_BYTES = 32

let arena: Buffer | undefined
let arenaUsed = 0

/** A copy of `bytes` from `start` to `end`, in memory of its own: not of a pool. */
export function copyOut(bytes: Uint8Array, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start)
  copy.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end))
  return copy
}

/** A copy of a part shorter than {@link SMALL_BYTES}, next to others: to be decoded or copied, and never to be handed out. */
export function keepSmall(bytes: Uint8Array, start: number, end: number): Buffer {
  const length = end - start
  if (arena === undefined || arenaUsed + length > ARENA_BYTES) {
    arena = Buffer.allocUnsafeSlow(ARENA_BYTES)
    arenaUsed = 0
  }
  const at = arenaUsed
  arenaUsed += length
  if (length <= LOOP_BYTES) {
    for (let i = 0; i < length; i++) arena[at + i] = bytes[start + i]!
  } else {
    arena.set(bytes.subarray(start, end), at)
  }
  return arena.subarray(at, arenaUsed)
}

/** `parts` in one piece of memory of its own: the only part itself where it has that already. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  const first = parts[0]
  if (parts.length === 1 && first!.length >= SMALL_BYTES && first!.length === first!.buffer.byteLength) {
    return new Uint8Array(first!.buffer as ArrayBuffer)
  }
  let length = 0
  for (const part of parts) length += part.length
  // Not cleared first, because every byte of it is written.
  const whole = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
