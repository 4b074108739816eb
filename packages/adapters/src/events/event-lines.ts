/**
 * Normalizes the lines of an event stream (HTML standard §9.2.5 and §9.2.6) for a parser that waits
 * for the character after a CR and forgets IDs: every line ends with LF as soon as its end arrives,
 * and every event carries its ID. Text in, text out.
 */

const LF = 0x0a

/** The lines of one stream. */
export class EventLines {
  /** Last event ID: the `Last-Event-ID` of the next attempt. */
  lastEventId: string
  /** Value of the last `id` line; it takes effect at the end of its event. */
  #id: string
  /** The previous text ended with CR: an LF that follows belongs to it. */
  #afterCr = false
  /** Start of the current line, as far as it matters. */
  #head = ''
  /** Whether it begins with `id:`. Not asked again for each part: looking into a text that grows copies it. */
  #isId = false
  #hasId = false

  /** @param lastEventId ID left over from an earlier stream. */
  constructor(lastEventId = '') {
    this.lastEventId = lastEventId
    this.#id = lastEventId
  }

  /**
   * Returns the same text with LF at the end of each line, and with an `id` line in each event that
   * lacks one.
   */
  push(text: string): string {
    if (text === '') return ''
    let out = ''
    let start = this.#afterCr && text.charCodeAt(0) === LF ? 1 : 0
    this.#afterCr = false
    let cr = text.indexOf('\r', start)
    let lf = text.indexOf('\n', start)
    while (cr !== -1 || lf !== -1) {
      const end = cr !== -1 && (lf === -1 || cr < lf) ? cr : lf
      out += this.#line(text.slice(start, end))
      start = end + 1
      if (end === cr) {
        if (start === text.length) this.#afterCr = true
        else if (text.charCodeAt(start) === LF) start++
        cr = text.indexOf('\r', start)
      }
      if (lf !== -1 && lf < start) lf = text.indexOf('\n', start)
    }
    return out + this.#begin(text.slice(start))
  }

  /** Adds the rest of a line and its end. */
  #line(rest: string): string {
    const text = this.#begin(rest)
    const head = this.#head
    this.#head = ''
    if (head === '') return this.#end()
    if (head === 'id' || head.startsWith('id:')) this.#takeId(head)
    return `${text}\n`
  }

  /** Adds a part of a line. Only an `id` line is buffered. */
  #begin(part: string): string {
    if (this.#head.length < 3) {
      this.#head += part
      this.#isId = this.#head.startsWith('id:')
    } else if (this.#isId) this.#head += part
    return part
  }

  #takeId(line: string): void {
    const value = line.slice(line.charCodeAt(3) === 0x20 ? 4 : 3)
    // "If the field value does not contain U+0000 NULL, then set the last event ID buffer to the field value."
    if (value.includes('\0')) return
    this.#id = value
    this.#hasId = true
  }

  /** Handles an empty line, which ends the event. "The buffer does not get reset." */
  #end(): string {
    const hasId = this.#hasId
    this.#hasId = false
    this.lastEventId = this.#id
    return hasId || this.#id === '' ? '\n' : `id: ${this.#id}\n\n`
  }
}
