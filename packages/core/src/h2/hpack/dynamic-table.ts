/**
 * The dynamic table (RFC 7541 §2.3.2, §4): first in, first out, bounded in bytes. Used by both the
 * encoder and the decoder. The absolute number of an entry counts the insertions before it.
 */

/** Bytes that each entry counts beyond its name and value (RFC 7541 §4.1). */
export const ENTRY_OVERHEAD = 32
/** RFC 9113 §6.5.2: the initial SETTINGS_HEADER_TABLE_SIZE, in bytes. */
export const DEFAULT_TABLE_BYTES = 4096
/** Initial number of slots, a power of two. Small, because most servers insert few fields. */
const INITIAL_SLOTS = 8

/** Called for each entry that leaves the table. */
export type Evicted = (name: string, value: string, absolute: number) => void

export class DynamicTable {
  /** Number of insertions so far: the absolute number of the next entry. */
  inserted = 0
  /** Entries in the table now. */
  length = 0
  /** Size in bytes (RFC 7541 §4.1). */
  bytes = 0
  maxBytes: number
  // Rings: the entry with absolute number n is in slot n modulo the number of slots.
  private names: string[] = new Array<string>(INITIAL_SLOTS).fill('')
  private values: string[] = new Array<string>(INITIAL_SLOTS).fill('')
  private mask = INITIAL_SLOTS - 1
  private readonly evicted: Evicted | undefined

  constructor(maxBytes: number, evicted?: Evicted) {
    this.maxBytes = maxBytes
    this.evicted = evicted
  }

  /** Returns the name of an entry; `absolute` must be from inserted - length to inserted - 1. */
  nameOf(absolute: number): string {
    return this.names[absolute & this.mask]!
  }

  valueOf(absolute: number): string {
    return this.values[absolute & this.mask]!
  }

  /**
   * Inserts a Latin-1 field after evicting the oldest entries until it fits. Returns whether it is
   * in the table.
   */
  insert(name: string, value: string): boolean {
    const size = name.length + value.length + ENTRY_OVERHEAD
    this.evictTo(this.maxBytes - size)
    // RFC 7541 §4.4: an entry larger than the table empties it, and that is not an error.
    if (size > this.maxBytes) return false
    if (this.length > this.mask) this.grow()
    const slot = this.inserted & this.mask
    this.names[slot] = name
    this.values[slot] = value
    this.inserted++
    this.length++
    this.bytes += size
    return true
  }

  /** Sets a new maximum in bytes and evicts down to it (RFC 7541 §4.3). */
  resize(maxBytes: number): void {
    this.maxBytes = maxBytes
    this.evictTo(maxBytes)
  }

  private evictTo(bytes: number): void {
    while (this.bytes > bytes && this.length > 0) {
      const absolute = this.inserted - this.length
      const slot = absolute & this.mask
      const name = this.names[slot]!
      const value = this.values[slot]!
      // Release the strings now: the slot may not be reused for a long time.
      this.names[slot] = ''
      this.values[slot] = ''
      this.length--
      this.bytes -= name.length + value.length + ENTRY_OVERHEAD
      this.evicted?.(name, value, absolute)
    }
  }

  /** Doubles the slots. Entries take at least 32 bytes each, so `maxBytes` bounds this. */
  private grow(): void {
    const mask = this.mask * 2 + 1
    const names = new Array<string>(mask + 1).fill('')
    const values = new Array<string>(mask + 1).fill('')
    for (let absolute = this.inserted - this.length; absolute < this.inserted; absolute++) {
      names[absolute & mask] = this.names[absolute & this.mask]!
      values[absolute & mask] = this.values[absolute & this.mask]!
    }
    this.names = names
    this.values = values
    this.mask = mask
  }
}
