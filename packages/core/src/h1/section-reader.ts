/** Field sections of one parser (RFC 9112 §5), put together from the spans that llhttp finds: names in lower case, values trimmed, both bounded. */

import { trimBlanks } from './framing.js'

/** Field lines of one section: as many as HTTP/2 takes. */
const MAX_FIELDS = 1_000

/** Which part of a field line was the last. */
const NONE = 0
const NAME = 1
const VALUE = 2

/** Reads one section after the other. */
export class SectionReader {
  readonly #maxBytes: number
  #part = NONE
  #name = ''
  #value = ''
  #bytes = 0
  /** Name, value, name, value…: the lines that are complete. */
  fields: string[] = []
  /** Which bound the section has passed. */
  excess: string | undefined

  /** @param maxBytes the largest sum of names and values. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Another section begins. */
  begin(): void {
    this.fields = []
    this.#part = NONE
    this.#bytes = 0
  }

  /** A name, or a further part of one. */
  addName(text: string): void {
    if (this.#part === NAME) this.#name += text
    else {
      this.endLine()
      this.#name = text
      this.#part = NAME
    }
    this.count(text.length)
  }

  /** A value, or a further part of one. */
  addValue(text: string): void {
    this.#value = this.#part === VALUE ? this.#value + text : text
    this.#part = VALUE
    this.count(text.length)
  }

  /** The line is complete: RFC 9112 §5.1, blanks around the value are not part of it. */
  endLine(): void {
    if (this.#part === NONE) return
    this.#part = NONE
    this.fields.push(this.#name.toLowerCase(), trimBlanks(this.#value))
    if (this.fields.length > 2 * MAX_FIELDS) this.excess ??= `more than ${MAX_FIELDS} fields`
  }

  /** Counts bytes against the bound. */
  count(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes > this.#maxBytes) this.excess ??= `a field section of more than ${this.#maxBytes} bytes`
  }
}
