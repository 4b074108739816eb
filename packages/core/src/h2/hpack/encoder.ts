/**
 * Encodes fields to field blocks (RFC 7541 §6): an index for a field in a table, else a literal,
 * which usually enters the table. Does not validate: names must be lower case and values Latin-1.
 */

import type { ByteWriter } from './byte-writer.js'
import { DEFAULT_TABLE_BYTES, DynamicTable, ENTRY_OVERHEAD } from './dynamic-table.js'
import { huffmanEncode, huffmanEncodeInto, huffmanLength } from './huffman.js'
import { encodeInteger } from './integer.js'
import { STATIC_INDEX, STATIC_LENGTH, STATIC_NAMES, STATIC_VALUES } from './static-table.js'

export interface EncoderOptions {
  /** Maximum table size whatever the peer allows, in bytes: limits memory. Default 65536. */
  maxTableBytes?: number
}

const DEFAULT_MAX_TABLE_BYTES = 65_536

/** First bytes of the representations (RFC 7541 §6.1, §6.2, §6.3) and the bits left for an index. */
const INDEXED = 0x80
const INDEXED_BITS = 7
const INSERTED = 0x40
const INSERTED_BITS = 6
const NOT_INDEXED = 0x00
const NEVER_INDEXED = 0x10
const LITERAL_BITS = 4
const SIZE_UPDATE = 0x20
const SIZE_UPDATE_BITS = 5
const HUFFMAN = 0x80
const LENGTH_BITS = 7

/** The longest text whose length always fits in the one-byte prefix. */
const SHORT_TEXT = 126
/** The longest code has 30 bits. */
const MAX_BYTES_PER_CHARACTER = 4
const NONE = -1

/** Fields whose values change with each message: inserting them would only evict useful entries. */
const VOLATILE: ReadonlySet<string> = new Set([
  ':path',
  'age',
  'content-length',
  'etag',
  'idempotency-key',
  'if-modified-since',
  'if-none-match',
  'location',
  'range',
  'set-cookie',
  'traceparent',
  'x-request-id',
])

/**
 * From this many evictions on, a name's values are inserted only while table hits keep up with
 * evictions (`:authority` of thousands of origins does not). Otherwise, only one value in TRIES is.
 */
const PATIENT_LOSSES = 64
const TRIES = 64

/**
 * Minimum value sizes for indexing, in bytes: the compressed size reveals shorter secrets (RFC 7541
 * §7.1.3).
 */
const NEVER_INDEXED_BELOW: ReadonlyMap<string, number> = new Map([
  ['authorization', 0x7fffffff],
  ['proxy-authorization', 0x7fffffff],
  ['cookie', 20],
])

/** The encoder's record of one field name. */
class NameRecord {
  /** Lowest index in the static table, or 0. */
  readonly staticIndex: number
  /** Size below which a value is a never-indexed literal, in bytes. */
  readonly neverIndexedBelow: number
  readonly volatile: boolean
  /** Absolute number of the newest entry with this name, or NONE. */
  newest = NONE
  /** Number of evicted values, and of table hits; both are halved at each try. */
  losses = 0
  uses = 0
  private untilTry = TRIES
  /**
   * Values with this name in a table: maps to the absolute number, or to the negated static index.
   */
  readonly values = new Map<string, number>()

  constructor(name: string) {
    this.staticIndex = STATIC_INDEX.get(name) ?? 0
    this.neverIndexedBelow = NEVER_INDEXED_BELOW.get(name) ?? 0
    this.volatile = VOLATILE.has(name)
    if (this.staticIndex === 0) return
    for (let index = this.staticIndex; STATIC_NAMES[index] === name; index++) this.values.set(STATIC_VALUES[index]!, -index)
  }

  /** Whether a new value is worth inserting. */
  deservesPlace(): boolean {
    if (this.losses < PATIENT_LOSSES || this.uses >= this.losses) return true
    if (--this.untilTry > 0) return false
    this.untilTry = TRIES
    // Not lower: recent results weigh more, and the initial allowance is not granted again.
    this.losses = Math.max(PATIENT_LOSSES, this.losses >> 1)
    this.uses >>= 1
    return true
  }

  /** Whether the record differs from a new one, so that it must outlive the name's last entry. */
  get lasting(): boolean {
    return this.staticIndex !== 0 || this.volatile
  }
}

export class HpackEncoder {
  /**
   * Records of names with an entry, and of used names from the lists above: bounded by the table
   * size plus about 60.
   */
  private readonly names = new Map<string, NameRecord>()
  private readonly table: DynamicTable
  private readonly capBytes: number
  /** The smallest and the last table size since the last block, in bytes; NONE without a change. */
  private smallestBytes = NONE
  private finalBytes = NONE

  constructor(options: EncoderOptions = {}) {
    this.capBytes = options.maxTableBytes ?? DEFAULT_MAX_TABLE_BYTES
    this.table = new DynamicTable(DEFAULT_TABLE_BYTES, (name, value, absolute) => this.forget(name, value, absolute))
    // The peer assumes 4096 bytes, so the first block must signal a lower cap.
    if (this.capBytes < DEFAULT_TABLE_BYTES) this.setMaxTableBytes(DEFAULT_TABLE_BYTES)
  }

  /** Size of the dynamic table (RFC 7541 §4.1), in bytes. */
  get tableBytes(): number {
    return this.table.bytes
  }

  /** Sets the peer's SETTINGS_HEADER_TABLE_SIZE, in bytes, from the next block on. */
  setMaxTableBytes(bytes: number): void {
    const target = Math.min(bytes, this.capBytes)
    this.finalBytes = target
    if (this.smallestBytes === NONE || target < this.smallestBytes) this.smallestBytes = target
  }

  /** Begins a block: signals a changed table size (RFC 7541 §4.2). Call before the first field. */
  beginBlock(writer: ByteWriter): void {
    if (this.finalBytes === NONE) return
    const smallest = this.smallestBytes
    const final = this.finalBytes
    this.smallestBytes = NONE
    this.finalBytes = NONE
    // RFC 7541 §4.2: the smallest size in the interval, then the final one: at most two updates.
    if (smallest < final && smallest < this.table.maxBytes) this.updateSize(writer, smallest)
    if (final !== this.table.maxBytes) this.updateSize(writer, final)
  }

  /** Appends one field. A `sensitive` field never enters a table, at any hop (RFC 7541 §7.1.3). */
  encodeField(writer: ByteWriter, name: string, value: string, sensitive: boolean): void {
    const record = this.names.get(name) ?? this.admit(name)
    if (sensitive || (record !== undefined && value.length < record.neverIndexedBelow)) {
      this.writeLiteral(writer, NEVER_INDEXED, LITERAL_BITS, record, name, value)
      return
    }
    if (record === undefined) {
      this.encodeUnknown(writer, record, name, value)
      return
    }
    const entry = record.values.get(value)
    if (entry === undefined) {
      this.encodeUnknown(writer, record, name, value)
      return
    }
    // RFC 7541 §6.1: an indexed field; §2.3.3: the newest dynamic entry follows the static ones.
    let index = -entry
    if (entry >= 0) {
      record.uses++
      index = STATIC_LENGTH + this.table.inserted - entry
    }
    if (index < 0x7f) writer.writeByte(INDEXED | index)
    else encodeInteger(writer, INDEXED, INDEXED_BITS, index)
  }

  /**
   * Encodes a field that no table has, and inserts it unless it would evict more useful entries.
   */
  private encodeUnknown(writer: ByteWriter, record: NameRecord | undefined, name: string, value: string): void {
    const size = name.length + value.length + ENTRY_OVERHEAD
    // An entry over three quarters of the table would evict nearly all others.
    const useless = record !== undefined && (record.volatile || !record.deservesPlace())
    if (useless || size * 4 > this.table.maxBytes * 3) {
      this.writeLiteral(writer, NOT_INDEXED, LITERAL_BITS, record, name, value)
      return
    }
    // Write the name's index before the insertion, which may evict that entry (RFC 7541 §4.4).
    this.writeLiteral(writer, INSERTED, INSERTED_BITS, record, name, value)
    const absolute = this.table.inserted
    this.table.insert(name, value)
    // Look up again: an eviction may have deleted the record.
    let current = this.names.get(name)
    if (current === undefined) {
      current = new NameRecord(name)
      this.names.set(name, current)
    }
    current.values.set(value, absolute)
    current.newest = absolute
  }

  /** Writes a literal, with an indexed name if a table has it (RFC 7541 §6.2). */
  private writeLiteral(
    writer: ByteWriter,
    representation: number,
    bits: number,
    record: NameRecord | undefined,
    name: string,
    value: string,
  ): void {
    if (record === undefined || (record.staticIndex === 0 && record.newest === NONE)) {
      writer.writeByte(representation)
      writeString(writer, name)
    } else {
      const index = record.staticIndex || STATIC_LENGTH + this.table.inserted - record.newest
      encodeInteger(writer, representation, bits, index)
    }
    writeString(writer, value)
  }

  /** Returns a record for a name without dynamic entries, if the name has static properties. */
  private admit(name: string): NameRecord | undefined {
    if (!STATIC_INDEX.has(name) && !VOLATILE.has(name)) return undefined
    const record = new NameRecord(name)
    this.names.set(name, record)
    return record
  }

  private forget(name: string, value: string, absolute: number): void {
    const record = this.names.get(name)!
    record.values.delete(value)
    record.losses++
    if (record.newest !== absolute) return
    // Entries leave in insertion order: without its newest entry, the name has no entries.
    record.newest = NONE
    if (!record.lasting) this.names.delete(name)
  }

  /** Writes a table size update (RFC 7541 §6.3). */
  private updateSize(writer: ByteWriter, bytes: number): void {
    encodeInteger(writer, SIZE_UPDATE, SIZE_UPDATE_BITS, bytes)
    this.table.resize(bytes)
  }
}

/** Writes a string literal, Huffman-coded if that is strictly shorter (RFC 7541 §5.2). */
function writeString(writer: ByteWriter, text: string): void {
  const length = text.length
  if (length > SHORT_TEXT) {
    const coded = huffmanLength(text)
    encodeInteger(writer, coded < length ? HUFFMAN : 0, LENGTH_BITS, Math.min(coded, length))
    if (coded < length) huffmanEncode(text, writer)
    else writer.writeLatin1(text)
    return
  }
  // Encode behind one byte reserved for the length: cheaper than measuring first, and usually
  // shorter.
  writer.ensure(1 + length * MAX_BYTES_PER_CHARACTER)
  const at = writer.position
  const end = huffmanEncodeInto(text, writer.buffer, at + 1)
  const coded = end - at - 1
  if (coded < length) {
    writer.buffer[at] = HUFFMAN | coded
    writer.position = end
  } else {
    writer.buffer[at] = length
    writer.position = at + 1
    writer.writeLatin1(text)
  }
}
