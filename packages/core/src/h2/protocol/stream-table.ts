/**
 * The streams of one connection by identifier: a hash table with chains. Not a `Map`, because V8
 * links the old table of a rehashed map to the new one, so that closed streams of a busy connection
 * would survive minor garbage collections and be promoted.
 */

import type { Stream } from './stream.js'

/**
 * Minimum table length, enough for most connections. Always a power of two, so consecutive streams
 * do not collide.
 */
const LEAST_LENGTH = 16
/** Table length after the first growth, and of a larger table once it is empty. */
const USUAL_LENGTH = 128

/** Streams by identifier; each bucket is the head of a chain. */
export class StreamTable<Owner> {
  #heads: (Stream<Owner> | undefined)[] = emptyPlaces(LEAST_LENGTH)
  #size = 0

  get size(): number {
    return this.#size
  }

  get(id: number): Stream<Owner> | undefined {
    let stream = this.#heads[placeOf(id, this.#heads.length)]
    while (stream !== undefined && stream.id !== id) stream = stream.nextInTable
    return stream
  }

  /** Adds a stream whose identifier is not in the table. */
  add(stream: Stream<Owner>): void {
    if (++this.#size > this.#heads.length) this.#resize(Math.max(USUAL_LENGTH, this.#heads.length * 2))
    this.#put(stream)
  }

  /** Removes a stream. Returns whether it was in the table. */
  delete(stream: Stream<Owner>): boolean {
    const place = placeOf(stream.id, this.#heads.length)
    let previous: Stream<Owner> | undefined
    let at = this.#heads[place]
    while (at !== undefined && at !== stream) {
      previous = at
      at = at.nextInTable
    }
    if (at === undefined) return false
    if (previous === undefined) this.#heads[place] = stream.nextInTable
    else previous.nextInTable = stream.nextInTable
    stream.nextInTable = undefined
    this.#size--
    if (this.#size === 0 && this.#heads.length > USUAL_LENGTH) this.#heads = emptyPlaces(USUAL_LENGTH)
    return true
  }

  /** Returns a copy of all streams, in the order in which they were opened. */
  all(): Stream<Owner>[] {
    const all: Stream<Owner>[] = []
    for (const head of this.#heads) for (let stream = head; stream !== undefined; stream = stream.nextInTable) all.push(stream)
    return all.sort((a, b) => a.id - b.id)
  }

  #put(stream: Stream<Owner>): void {
    const place = placeOf(stream.id, this.#heads.length)
    stream.nextInTable = this.#heads[place]
    this.#heads[place] = stream
  }

  #resize(length: number): void {
    const all = this.all()
    this.#heads = emptyPlaces(length)
    for (const stream of all) this.#put(stream)
  }
}

/** Returns the bucket of a stream. Client streams have odd identifiers (RFC 9113 §5.1.1). */
function placeOf(id: number, length: number): number {
  return (id >>> 1) & (length - 1)
}

function emptyPlaces(length: number): undefined[] {
  return new Array<undefined>(length).fill(undefined)
}
