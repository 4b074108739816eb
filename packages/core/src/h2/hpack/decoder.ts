/**
 * Decodes field blocks to field sections (RFC 7541 §3, §6). Strict: every decoding error of the RFC
 * is an HpackError, and all state is bounded. Does not validate names and values (RFC 9113 §8.2.1).
 */

import { latin1Slice } from './byte-writer.js'
import { DEFAULT_TABLE_BYTES, DynamicTable, ENTRY_OVERHEAD } from './dynamic-table.js'
import { HpackError } from './hpack-error.js'
import { huffmanDecode, huffmanDecodedLength } from './huffman.js'
import { type Cursor, decodeInteger } from './integer.js'
import { STATIC_LENGTH, STATIC_NAMES, STATIC_VALUES } from './static-table.js'

/** One decoded block. A repeated block returns the same object, so `fields` must not be changed. */
export interface DecodedSection {
  /**
   * Name, value, name, value… as Latin-1 strings, in block order; incomplete if {@link tooLarge}.
   */
  readonly fields: readonly string[]
  /** Size of the whole section in bytes (RFC 9113 §6.5.2): name + value + 32 for each field. */
  readonly bytes: number
  /** Whether the section exceeds `maxFieldSectionBytes` or `maxFields`. */
  readonly tooLarge: boolean
  /** Cache for the parser's result of this section; initially undefined. */
  parsed: unknown
}

export interface DecoderOptions {
  /** The SETTINGS_HEADER_TABLE_SIZE we advertised, in bytes. Default 4096. */
  maxTableBytes?: number
  /** Size above which a section is `tooLarge`, in bytes (RFC 9113 §6.5.2). Default 65536. */
  maxFieldSectionBytes?: number
  /** Number of fields above which a section is `tooLarge`. Default 1000. */
  maxFields?: number
}

const DEFAULT_SECTION_BYTES = 65_536
const DEFAULT_FIELDS = 1000
/** RFC 7541 §4.2: the smallest size in the interval and the final one. */
const MAX_SIZE_UPDATES = 2
const NONE = -1
/**
 * Value of `fields` between two blocks, so that the last section is not kept alive; never pushed
 * to.
 */
const NOTHING: string[] = []

export class HpackDecoder {
  private readonly table: DynamicTable
  private readonly memo = new SectionMemo()
  private readonly cursor: Cursor = { position: 0 }
  private readonly maxSectionBytes: number
  private readonly maxFields: number
  private maxTableBytes: number
  /** The next block must begin with a size update to at most this many bytes, or NONE. */
  private requiredTableBytes = NONE
  // The section being decoded.
  private fields: string[] = NOTHING
  private bytes = 0
  private tooLarge = false
  /**
   * Whether the block may be memoized: it did not change the table and holds no never-indexed
   * field.
   */
  private repeatable = true

  constructor(options: DecoderOptions = {}) {
    this.maxTableBytes = options.maxTableBytes ?? DEFAULT_TABLE_BYTES
    this.maxSectionBytes = options.maxFieldSectionBytes ?? DEFAULT_SECTION_BYTES
    this.maxFields = options.maxFields ?? DEFAULT_FIELDS
    this.table = new DynamicTable(this.maxTableBytes)
  }

  /** Size of the dynamic table (RFC 7541 §4.1), in bytes. */
  get tableBytes(): number {
    return this.table.bytes
  }

  /**
   * Applies a new SETTINGS_HEADER_TABLE_SIZE, in bytes, once the peer has acknowledged it. After a
   * lower value, the next block must begin with a size update to at most that value.
   */
  setMaxTableBytes(bytes: number): void {
    this.maxTableBytes = bytes
    if (bytes >= this.table.maxBytes) return
    // RFC 7541 §4.2: of several changes between two blocks the smallest must be signalled.
    if (this.requiredTableBytes === NONE || bytes < this.requiredTableBytes) this.requiredTableBytes = bytes
  }

  /**
   * Decodes the field block in [start, end) of `block`. Keeps no reference to `block`.
   * @throws HpackError for an invalid block; the decoder must not be used afterwards
   */
  decode(block: Buffer, start: number = 0, end: number = block.length): DecodedSection {
    const hash = this.requiredTableBytes === NONE ? hashBlock(block, start, end) : NO_HASH
    if (hash !== NO_HASH) {
      const known = this.memo.find(hash, block, start, end)
      if (known !== undefined) return known
    }
    this.fields = []
    this.bytes = 0
    this.tooLarge = false
    this.repeatable = true
    this.cursor.position = start
    this.readSizeUpdates(block, end)
    this.readFields(block, end)
    const section = { fields: this.fields, bytes: this.bytes, tooLarge: this.tooLarge, parsed: undefined }
    this.fields = NOTHING
    if (hash !== NO_HASH && this.repeatable) this.memo.remember(hash, block, start, end, section)
    return section
  }

  /**
   * Reads the table size updates, which only the beginning of a block may have (RFC 7541 §4.2,
   * §6.3).
   */
  private readSizeUpdates(block: Buffer, end: number): void {
    const cursor = this.cursor
    let smallest = Number.POSITIVE_INFINITY
    for (let updates = 0; cursor.position < end && (block[cursor.position]! & 0xe0) === 0x20; updates++) {
      if (updates === MAX_SIZE_UPDATES) throw new HpackError('more than two table size updates')
      const bytes = decodeInteger(block, cursor, end, 5)
      // RFC 7541 §6.3: a size over the protocol's limit is a decoding error.
      if (bytes > this.maxTableBytes) throw new HpackError('table size update is over the limit')
      if (bytes < smallest) smallest = bytes
      this.table.resize(bytes)
      this.tableChanged()
    }
    if (this.requiredTableBytes === NONE) return
    // RFC 7541 §4.2: a reduced size must be signalled in the first block after the settings were acknowledged.
    if (smallest > this.requiredTableBytes) throw new HpackError('table size update is missing')
    this.requiredTableBytes = NONE
  }

  private readFields(block: Buffer, end: number): void {
    const cursor = this.cursor
    while (cursor.position < end) {
      const byte = block[cursor.position]!
      if (byte >= 0x80) {
        // RFC 7541 §6.1: an indexed field.
        this.readIndexed(byte === 0xff ? decodeInteger(block, cursor, end, 7) : this.shortIndex(byte))
        continue
      }
      // RFC 7541 §6.2.1: a literal with incremental indexing.
      if (byte >= 0x40) this.readInserted(block, end)
      else if (byte >= 0x20) throw new HpackError('table size update is not at the beginning of the block')
      // RFC 7541 §6.2.2, §6.2.3: a literal without indexing or never indexed; the same to a client.
      else {
        // RFC 7541 §7.1.3: a never-indexed field must not be kept in a memo either.
        if (byte >= 0x10) this.repeatable = false
        this.readLiteral(block, end)
      }
    }
  }

  private shortIndex(byte: number): number {
    this.cursor.position++
    return byte & 0x7f
  }

  private readIndexed(index: number): void {
    if (index > STATIC_LENGTH) {
      const absolute = this.dynamicEntry(index)
      this.collect(this.table.nameOf(absolute), this.table.valueOf(absolute))
      return
    }
    // RFC 7541 §6.1: the index value of 0 is a decoding error.
    if (index === 0) throw new HpackError('index 0')
    this.collect(STATIC_NAMES[index]!, STATIC_VALUES[index]!)
  }

  private readInserted(block: Buffer, end: number): void {
    const name = this.readName(block, end, 6, true)
    const value = this.readString(block, end, true)
    this.collect(name, value)
    // The name was read before the insertion, which may evict the entry it came from (RFC 7541
    // §4.4).
    this.table.insert(name, value)
    this.tableChanged()
  }

  private tableChanged(): void {
    this.repeatable = false
    this.memo.clear()
  }

  private readLiteral(block: Buffer, end: number): void {
    if (this.tooLarge) {
      this.readName(block, end, 4, false)
      this.readString(block, end, false)
      this.bytes += ENTRY_OVERHEAD
      return
    }
    const name = this.readName(block, end, 4, true)
    this.collect(name, this.readString(block, end, true))
  }

  private readName(block: Buffer, end: number, prefixBits: number, keep: boolean): string {
    const index = decodeInteger(block, this.cursor, end, prefixBits)
    if (index === 0) return this.readString(block, end, keep)
    const name = index > STATIC_LENGTH ? this.table.nameOf(this.dynamicEntry(index)) : STATIC_NAMES[index]!
    if (!keep) this.bytes += name.length
    return name
  }

  /** Reads a string. Without `keep`, only validates it and counts its bytes. */
  private readString(block: Buffer, end: number, keep: boolean): string {
    const cursor = this.cursor
    const huffman = block[cursor.position]! >= 0x80
    const length = decodeInteger(block, cursor, end, 7)
    const from = cursor.position
    if (length > end - from) throw new HpackError('string is longer than the block')
    const to = from + length
    cursor.position = to
    if (keep) return huffman ? huffmanDecode(block, from, to) : latin1Slice(block, from, to)
    this.bytes += huffman ? huffmanDecodedLength(block, from, to) : length
    return ''
  }

  /** Returns the absolute number of the dynamic entry at `index`, which is over STATIC_LENGTH. */
  private dynamicEntry(index: number): number {
    const age = index - STATIC_LENGTH
    // RFC 7541 §2.3.3: an index beyond both tables is a decoding error.
    if (age > this.table.length) throw new HpackError('index is beyond the tables')
    return this.table.inserted - age
  }

  /**
   * Adds a field. Over a limit it keeps none, but decoding goes on: the dynamic table must stay in
   * sync.
   */
  private collect(name: string, value: string): void {
    this.bytes += name.length + value.length + ENTRY_OVERHEAD
    if (this.tooLarge) return
    if (this.bytes > this.maxSectionBytes || this.fields.length >= this.maxFields * 2) this.tooLarge = true
    else this.fields.push(name, value)
  }
}

const NO_HASH = 0
/**
 * Maximum size of a memoized block, in bytes. Hashing a longer one would cost as much as decoding
 * it.
 */
const MAX_MEMO_BLOCK = 128
/** A power of two. */
const MEMO_SLOTS = 64

interface Remembered {
  readonly hash: number
  readonly block: Uint8Array
  readonly section: DecodedSection
}

/**
 * Memo of decoded blocks, valid while the dynamic table does not change. Bounded: one block per
 * slot.
 */
class SectionMemo {
  private readonly slots: (Remembered | undefined)[] = new Array<Remembered | undefined>(MEMO_SLOTS).fill(undefined)
  private empty = true

  find(hash: number, block: Buffer, start: number, end: number): DecodedSection | undefined {
    const entry = this.slots[hash & (MEMO_SLOTS - 1)]
    if (entry === undefined || entry.hash !== hash) return undefined
    const known = entry.block
    if (known.length !== end - start) return undefined
    // Compare all bytes: a peer can construct hash collisions.
    for (let i = 0; i < known.length; i++) {
      if (known[i] !== block[start + i]) return undefined
    }
    return entry.section
  }

  remember(hash: number, block: Buffer, start: number, end: number, section: DecodedSection): void {
    // A copy, because the block is a view of the socket's buffer, which the next read overwrites.
    this.slots[hash & (MEMO_SLOTS - 1)] = { hash, block: Uint8Array.prototype.slice.call(block, start, end), section }
    this.empty = false
  }

  clear(): void {
    if (this.empty) return
    this.slots.fill(undefined)
    this.empty = true
  }
}

/** Returns a hash of a block, or NO_HASH if it is longer than MAX_MEMO_BLOCK. */
export function hashBlock(block: Buffer, start: number, end: number): number {
  if (end - start > MAX_MEMO_BLOCK) return NO_HASH
  let hash = end - start
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ block[i]!, 0x01000193)
  // Fold the high bits into the low ones, which select the slot. Setting bit 30 excludes NO_HASH.
  return (hash ^ (hash >>> 15)) | 0x40000000
}
