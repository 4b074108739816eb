/** Parts of bytes that wait for a reader, and FIN as `undefined`. Takes the first one in constant time: there may be a million. */

/** Number of taken parts after which their places are released. */
const MOST_TAKEN = 1_024

export class ByteQueue {
  #parts: (Uint8Array | undefined)[] = []
  #taken = 0

  get length(): number {
    return this.#parts.length - this.#taken
  }

  get first(): Uint8Array | undefined {
    return this.#parts[this.#taken]
  }

  /** Whether any part has bytes, and is not FIN. */
  get hasBytes(): boolean {
    for (let i = this.#taken; i < this.#parts.length; i++) if (this.#parts[i] !== undefined) return true
    return false
  }

  push(...parts: (Uint8Array | undefined)[]): void {
    for (const part of parts) this.#parts.push(part)
  }

  /** Replaces the first part by what is left of it. */
  replaceFirst(rest: Uint8Array): void {
    this.#parts[this.#taken] = rest
  }

  /** Removes the first part. */
  shift(): void {
    this.#parts[this.#taken++] = undefined
    if (this.#taken < MOST_TAKEN || this.#taken * 2 < this.#parts.length) return
    this.#parts = this.#parts.slice(this.#taken)
    this.#taken = 0
  }

  clear(): void {
    this.#parts = []
    this.#taken = 0
  }
}
