// One direction of a link: reads bytes from one socket and writes them to the other according to
// its toxics.
import type { Socket } from 'node:net'
import type { Counts, Toxics } from './toxics.js'

interface Piece {
  bytes: Buffer
  /** Time when it may be sent, on the scale of `performance.now()`. */
  readonly due: number
}

/** Above this limit the sender is not read: a black hole buffers no more than a network would. */
const MAX_KEPT_BYTES = 1_048_576
/** Interval in which a limited bandwidth is allotted, in milliseconds. */
const PORTION_MS = 20

export class Lane implements Counts {
  readonly #from: Socket
  readonly #to: Socket
  readonly #random: () => number
  #toxics: Toxics = {}
  #queue: Piece[] = []
  #kept = 0
  #received = 0
  #passed = 0
  #corruptAt: number | undefined
  #truncateAt: number | undefined
  #heldAt: number | undefined
  /** Time when the bandwidth allows the next byte. */
  #freeAt = 0
  #fin: 'none' | 'came' | 'sent' = 'none'
  #cancel: (() => void) | undefined
  readonly #waiting = new Set<() => void>()

  constructor(from: Socket, to: Socket, random: () => number) {
    this.#from = from
    this.#to = to
    this.#random = random
    from.on('data', (bytes: Buffer) => this.#push(bytes))
    from.once('end', () => {
      if (this.#fin === 'none') this.#fin = 'came'
      this.#pump()
    })
    to.on('drain', () => this.#refill())
    to.once('close', () => this.#stop())
  }

  get received(): number {
    return this.#received
  }

  get passed(): number {
    return this.#passed
  }

  set(toxics: Toxics): void {
    this.#toxics = { ...this.#toxics, ...toxics }
    const at = (after: number | undefined): number | undefined => (after === undefined ? undefined : this.#passed + after)
    if ('corruptAfter' in toxics) this.#corruptAt = at(toxics.corruptAfter)
    if ('truncateAfter' in toxics) this.#truncateAt = at(toxics.truncateAfter)
    this.#pump()
  }

  /**
   * Lets this many further bytes pass and holds the rest, whatever the toxics, until {@link letGo}.
   */
  hold(after: number): void {
    this.#heldAt = this.#passed + after
  }

  letGo(): void {
    this.#heldAt = undefined
    this.#pump()
  }

  /** Resolves when the counts meet the condition. */
  when(isSo: (counts: Counts) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!isSo(this)) return
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
      look()
    })
  }

  /** Sends our own bytes ahead of everything that is held. */
  inject(bytes: Uint8Array): void {
    this.#to.write(bytes)
  }

  #push(bytes: Buffer): void {
    this.#received += bytes.length
    if (this.#fin === 'none') {
      this.#queue.push({ bytes, due: this.#due() })
      this.#kept += bytes.length
      if (this.#kept > MAX_KEPT_BYTES) this.#from.pause()
    }
    this.#tell()
    this.#pump()
  }

  #due(): number {
    const { latencyMs = 0, jitterMs = 0, mergeMs = 0 } = this.#toxics
    const last = this.#queue.at(-1)?.due ?? 0
    if (mergeMs > 0) return last > 0 ? last : performance.now() + mergeMs
    return Math.max(last, performance.now() + latencyMs + jitterMs * this.#random())
  }

  /** Sends everything that is due and schedules the rest. */
  #pump(): void {
    this.#cancel?.()
    this.#cancel = undefined
    while (!this.#to.destroyed && this.#fin !== 'sent') {
      if (this.#truncateAt !== undefined && this.#passed >= this.#truncateAt) return this.#finish()
      if (this.#toxics.stalled === true || this.#room() === 0) return
      const head = this.#queue[0]
      if (head === undefined) {
        if (this.#fin === 'came') this.#finish()
        return
      }
      const now = performance.now()
      const at = Math.max(head.due, this.#freeAt)
      if (at > now) return this.#schedule(at - now)
      this.#pass(this.#take(now))
      if ((this.#toxics.sliceBytes ?? 0) > 0 && this.#queue.length > 0) return this.#schedule(0)
    }
  }

  /** Returns the number of bytes that may pass before the next effect. */
  #room(): number {
    const until = Math.min(this.#heldAt ?? Number.POSITIVE_INFINITY, this.#truncateAt ?? Number.POSITIVE_INFINITY)
    return Math.max(0, until - this.#passed)
  }

  #take(now: number): Buffer {
    const { sliceBytes = 0, mergeMs = 0, bytesPerSecond = 0 } = this.#toxics
    if (mergeMs > 0 && this.#queue.length > 1) {
      this.#queue = [{ bytes: Buffer.concat(this.#queue.map(({ bytes }) => bytes)), due: now }]
    }
    let limit = this.#room()
    if (sliceBytes > 0) limit = Math.min(limit, sliceBytes)
    if (bytesPerSecond > 0) {
      limit = Math.min(limit, Math.max(1, Math.floor((bytesPerSecond * PORTION_MS) / 1_000)))
      this.#freeAt = now + (Math.min(limit, this.#queue[0]!.bytes.length) / bytesPerSecond) * 1_000
    }
    const head = this.#queue[0]!
    if (head.bytes.length <= limit) {
      this.#queue.shift()
      return head.bytes
    }
    const piece = head.bytes.subarray(0, limit)
    head.bytes = head.bytes.subarray(limit)
    return piece
  }

  #pass(bytes: Buffer): void {
    const at = (this.#corruptAt ?? -1) - this.#passed
    if (at >= 0 && at < bytes.length) {
      bytes[at] = bytes[at]! ^ 0x55
      this.#corruptAt = undefined
    }
    this.#passed += bytes.length
    this.#kept -= bytes.length
    if (this.#to.write(bytes)) this.#refill()
    else this.#from.pause()
    this.#tell()
  }

  #refill(): void {
    if (this.#kept <= MAX_KEPT_BYTES && this.#from.isPaused()) this.#from.resume()
  }

  /** Sends FIN. The sender is still read until its own FIN. */
  #finish(): void {
    this.#fin = 'sent'
    this.#queue = []
    this.#kept = 0
    this.#from.resume()
    this.#to.end()
  }

  #schedule(delayMs: number): void {
    if (delayMs === 0) {
      const turn = setImmediate(() => this.#pump())
      this.#cancel = () => clearImmediate(turn)
      return
    }
    const timer = setTimeout(() => this.#pump(), Math.ceil(delayMs))
    this.#cancel = () => clearTimeout(timer)
  }

  #stop(): void {
    this.#cancel?.()
    this.#queue = []
    // Keep reading until the sender's own end.
    this.#from.resume()
  }

  #tell(): void {
    for (const look of [...this.#waiting]) look()
  }
}
