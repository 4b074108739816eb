/**
 * Builds field sections (RFC 9112 §5) from llhttp's spans: names in lower case, values trimmed,
 * size limited.
 */

import { trimBlanks } from './framing.js'

/** Maximum field lines of one section, as for HTTP/2. */
const MAX_FIELDS = 1_000

/** Kinds of the last span of a field line. */
const NONE = 0
const NAME = 1
const VALUE = 2

/** Reads field sections, one after the other. */
export class SectionReader {
  readonly #maxBytes: number
  #part = NONE
  #name = ''
  #value = ''
  #bytes = 0
  /** The complete lines: name, value, name, value… */
  fields: string[] = []
  /** The limit that the section exceeds, if any. */
  excess: string | undefined

  /** @param maxBytes maximum total size of names and values. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Begins the next section. */
  begin(): void {
    this.fields = []
    this.#part = NONE
    this.#bytes = 0
  }

  /** Adds a name, or a further part of it. */
  addName(text: string): void {
    if (this.#part === NAME) this.#name += text
    else {
      this.endLine()
      this.#name = text
      this.#part = NAME
    }
    this.count(text.length)
  }

  /** Adds a value, or a further part of it. */
  addValue(text: string): void {
    this.#value = this.#part === VALUE ? this.#value + text : text
    this.#part = VALUE
    this.count(text.length)
  }

  /** Ends the line. Blanks around the value are not part of it (RFC 9112 §5.1). */
  endLine(): void {
    if (this.#part === NONE) return
    this.#part = NONE
    this.fields.push(this.#name.toLowerCase(), trimBlanks(this.#value))
    if (this.fields.length > 2 * MAX_FIELDS) this.excess ??= `more than ${MAX_FIELDS} fields`
  }

  /** Counts bytes against the limit. */
  count(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes > this.#maxBytes) this.excess ??= `a field section of more than ${this.#maxBytes} bytes`
  }
}
