/**
 * The streams of one connection by number. Not a `Map`: V8 links each table that a map outgrows, or that fills up with what was deleted, to the
 * next one, so that streams of a busy connection would survive every minor collection, and be promoted, long after their end.
 */

import type { Stream } from './stream.js'

/** A power of two, as every length of the table. Numbers that follow each other have places of their own. Many connections never have more. */
const LEAST_LENGTH = 16
/** What a table that has outgrown that begins with, and is left with when it is empty. */
const USUAL_LENGTH = 128

/** Places by number, each the first of a chain. */
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

  /** A number that is not here yet. */
  add(stream: Stream<Owner>): void {
    if (++this.#size > this.#heads.length) this.#resize(Math.max(USUAL_LENGTH, this.#heads.length * 2))
    this.#put(stream)
  }

  /** Whether it was here. */
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

  /** All, in the order in which they were opened. A list of its own: what happens to the table does not change it. */
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

/** RFC 9113 §5.1.1: numbers of a client's streams are odd. */
function placeOf(id: number, length: number): number {
  return (id >>> 1) & (length - 1)
}

function emptyPlaces(length: number): undefined[] {
  return new Array<undefined>(length).fill(undefined)
}
