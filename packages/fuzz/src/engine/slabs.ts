/** Output slabs used again by the next execution: to allocate 64 KiB for each connection costs more than most conversations. */

const SLAB_BYTES = 65_536
const MAX_SLABS = 64
const slabs: Buffer<ArrayBuffer>[] = []
let used = 0
const allocate = Buffer.allocUnsafeSlow

/** What the engine gets instead: not zeroed either, and with the last execution's octets in it. */
function slab(size: number): Buffer<ArrayBuffer> {
  if (size !== SLAB_BYTES || used >= MAX_SLABS) return allocate(size)
  const known = slabs[used]
  if (known !== undefined) {
    used++
    return known
  }
  const fresh = allocate(size)
  slabs.push(fresh)
  used++
  return fresh
}

/** Runs `body`; nothing of what it wrote may be looked at afterwards. */
export function withSlabs<T>(body: () => T): T {
  used = 0
  Buffer.allocUnsafeSlow = slab
  try {
    return body()
  } finally {
    Buffer.allocUnsafeSlow = allocate
  }
}
