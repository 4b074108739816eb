/**
 * Fields to field blocks (RFC 7541 §6): an index where the tables know the field, else a literal, which most often enters the table.
 * It does not judge fields: names are lower case and values Latin-1 by the time they come here.
 */

import type { ByteWriter } from './byte-writer.js'
import { DEFAULT_TABLE_BYTES, DynamicTable, ENTRY_OVERHEAD } from './dynamic-table.js'
import { huffmanEncode, huffmanEncodeInto, huffmanLength } from './huffman.js'
import { encodeInteger } from './integer.js'
import { STATIC_INDEX, STATIC_LENGTH, STATIC_NAMES, STATIC_VALUES } from './static-table.js'

export interface EncoderOptions {
  /** The table's maximum however much the peer allows, in bytes: what it costs in memory. Default 65536. */
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

/** The longest text whose length is sure to fit the prefix of one byte. */
const SHORT_TEXT = 126
/** The longest code has 30 bits. */
const MAX_BYTES_PER_CHARACTER = 4
const NONE = -1

/** Values that differ from one request or response to the next: they would only drive the useful entries out of the table. */
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
 * A name whose values are driven out before they come again would only drive out others: `:authority` of thousands of origins on one
 * connection. After so many losses there must have been as many uses; if not, one in so many tries says whether that has changed.
 */
const PATIENT_LOSSES = 64
const TRIES = 64

/** RFC 7541 §7.1.3: values shorter than this, in bytes, can be guessed through their size once the table knows them. */
const NEVER_INDEXED_BELOW: ReadonlyMap<string, number> = new Map([
  ['authorization', 0x7fffffff],
  ['proxy-authorization', 0x7fffffff],
  ['cookie', 20],
])

/** What the encoder knows of one name. */
class NameRecord {
  /** Lowest index in the static table, or 0. */
  readonly staticIndex: number
  /** Shorter values are literals never indexed. */
  readonly neverIndexedBelow: number
  readonly volatile: boolean
  /** Absolute number of the newest entry with this name, or NONE. */
  newest = NONE
  /** Values that were driven out of the table, and how often one was found there; both halved at each try. */
  losses = 0
  uses = 0
  private untilTry = TRIES
  /** Each value with this name that a table holds: the absolute number in the dynamic table, or the static index negated. */
  readonly values = new Map<string, number>()

  constructor(name: string) {
    this.staticIndex = STATIC_INDEX.get(name) ?? 0
    this.neverIndexedBelow = NEVER_INDEXED_BELOW.get(name) ?? 0
    this.volatile = VOLATILE.has(name)
    if (this.staticIndex === 0) return
    for (let index = this.staticIndex; STATIC_NAMES[index] === name; index++) this.values.set(STATIC_VALUES[index]!, -index)
  }

  /** Whether a value that is in no table is worth a place there. */
  deservesPlace(): boolean {
    if (this.losses < PATIENT_LOSSES || this.uses >= this.losses) return true
    if (--this.untilTry > 0) return false
    this.untilTry = TRIES
    // Not below: what is learned now counts for more, and patience does not begin again.
    this.losses = Math.max(PATIENT_LOSSES, this.losses >> 1)
    this.uses >>= 1
    return true
  }

  /** Whether the record says more than a new one would, and so must outlive the name's last entry. */
  get lasting(): boolean {
    return this.staticIndex !== 0 || this.volatile
  }
}

export class HpackEncoder {
  /** Names with an entry, and those of the lists above once they were used: no more than the table has room for, and some sixty. */
  private readonly names = new Map<string, NameRecord>()
  private readonly table: DynamicTable
  private readonly capBytes: number
  /** Of the sizes since the last block, the smallest and the last, in bytes; NONE when there was no change. */
  private smallestBytes = NONE
  private finalBytes = NONE

  constructor(options: EncoderOptions = {}) {
    this.capBytes = options.maxTableBytes ?? DEFAULT_MAX_TABLE_BYTES
    this.table = new DynamicTable(DEFAULT_TABLE_BYTES, (name, value, absolute) => this.forget(name, value, absolute))
    // The peer supposes 4096 bytes until told: a lower cap is signalled in the first block.
    if (this.capBytes < DEFAULT_TABLE_BYTES) this.setMaxTableBytes(DEFAULT_TABLE_BYTES)
  }

  /** Size of the dynamic table (RFC 7541 §4.1), in bytes. */
  get tableBytes(): number {
    return this.table.bytes
  }

  /** Takes the peer's SETTINGS_HEADER_TABLE_SIZE, in bytes; it takes effect at the beginning of the next block. */
  setMaxTableBytes(bytes: number): void {
    const target = Math.min(bytes, this.capBytes)
    this.finalBytes = target
    if (this.smallestBytes === NONE || target < this.smallestBytes) this.smallestBytes = target
  }

  /** Comes before the first field of each block: signals a changed table size (RFC 7541 §4.2). */
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

  /** Appends one field. `sensitive`: it never enters a table, here or at any hop (RFC 7541 §7.1.3). */
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

  /** A field that is in no table: into the dynamic one, unless it would do more harm than good there. */
  private encodeUnknown(writer: ByteWriter, record: NameRecord | undefined, name: string, value: string): void {
    const size = name.length + value.length + ENTRY_OVERHEAD
    // Over three quarters of the table it would drive out nearly all the rest.
    const useless = record !== undefined && (record.volatile || !record.deservesPlace())
    if (useless || size * 4 > this.table.maxBytes * 3) {
      this.writeLiteral(writer, NOT_INDEXED, LITERAL_BITS, record, name, value)
      return
    }
    // The index of the name counts before the insertion, even of an entry which that evicts (RFC 7541 §4.4).
    this.writeLiteral(writer, INSERTED, INSERTED_BITS, record, name, value)
    const absolute = this.table.inserted
    this.table.insert(name, value)
    // Looked up again: making room may have forgotten the record.
    let current = this.names.get(name)
    if (current === undefined) {
      current = new NameRecord(name)
      this.names.set(name, current)
    }
    current.values.set(value, absolute)
    current.newest = absolute
  }

  /** RFC 7541 §6.2: a literal, its name by index where a table has it. */
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

  /** The record of a name without dynamic entries, if there is something to know of it. */
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
    // Entries leave in the order they came: without the newest there is none left.
    record.newest = NONE
    if (!record.lasting) this.names.delete(name)
  }

  /** RFC 7541 §6.3. */
  private updateSize(writer: ByteWriter, bytes: number): void {
    encodeInteger(writer, SIZE_UPDATE, SIZE_UPDATE_BITS, bytes)
    this.table.resize(bytes)
  }
}

/** RFC 7541 §5.2: a string literal, Huffman-coded where that is strictly shorter. */
function writeString(writer: ByteWriter, text: string): void {
  const length = text.length
  if (length > SHORT_TEXT) {
    const coded = huffmanLength(text)
    encodeInteger(writer, coded < length ? HUFFMAN : 0, LENGTH_BITS, Math.min(coded, length))
    if (coded < length) huffmanEncode(text, writer)
    else writer.writeLatin1(text)
    return
  }
  // Coded at once behind an byte kept for the length: cheaper than to measure first, and nearly always the shorter form.
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
