/**
 * Memory for received content. The engine passes views of the socket's buffer, which the next read
 * overwrites, so content is copied once. A part that a reader gets has exclusive memory: it may be
 * kept, written to, or transferred to another thread.
 */

/**
 * Size below which a part gets exclusive memory only when it is read, in bytes: a buffer object
 * costs about as much.
 */
export const SMALL_BYTES = 1_024
/** Size of the arena for small parts of many responses, in bytes. Readers never get its memory. */
const ARENA_BYTES = 8_192
/** Size up to which a loop is faster than a view and a call, in bytes. */
const LOOP_BYTES = 32

let arena: Buffer | undefined
let arenaUsed = 0

/** Copies `bytes` from `start` to `end` into exclusive memory, outside any pool. */
export function copyOut(bytes: Uint8Array, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start)
  copy.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end))
  return copy
}

/**
 * Copies a part shorter than {@link SMALL_BYTES} into the arena. Decode or copy the result; never
 * pass it to a reader.
 */
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

/**
 * Joins `parts` in exclusive memory. Returns a single part itself if it already has exclusive
 * memory.
 */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  const first = parts[0]
  if (parts.length === 1 && first!.length >= SMALL_BYTES && first!.length === first!.buffer.byteLength) {
    return new Uint8Array(first!.buffer as ArrayBuffer)
  }
  let length = 0
  for (const part of parts) length += part.length
  // Not cleared, because every byte is written.
  const whole = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
