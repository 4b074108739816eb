/**
 * Lines of an event stream (HTML standard §9.2.5 and §9.2.6), before a parser that waits to see what follows a CR, and forgets IDs: every line ends
 * with LF as soon as its end is here, and every event has its ID. Text in, text out.
 */

const LF = 0x0a

/** The lines of one stream. */
export class EventLines {
  /** The last event ID: what `Last-Event-ID` of the next attempt is. */
  lastEventId: string
  /** What an `id` line has said; it counts from the end of its event on. */
  #id: string
  /** The last text ended with CR: an LF that follows belongs to it. */
  #afterCr = false
  /** How the line begins, as far as that matters. */
  #head = ''
  #hasId = false

  /** @param lastEventId what an earlier stream has left. */
  constructor(lastEventId = '') {
    this.lastEventId = lastEventId
    this.#id = lastEventId
  }

  /** The same text with LF at the end of each line, and with an `id` line in each event that has none. */
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

  /** The rest of a line, and its end. */
  #line(rest: string): string {
    const text = this.#begin(rest)
    const head = this.#head
    this.#head = ''
    if (head === '') return this.#end()
    if (head === 'id' || head.startsWith('id:')) this.#takeId(head)
    return `${text}\n`
  }

  /** A part of a line. Only an `id` line is kept. */
  #begin(part: string): string {
    if (this.#head.length < 3 || this.#head.startsWith('id:')) this.#head += part
    return part
  }

  #takeId(line: string): void {
    const value = line.slice(line.charCodeAt(3) === 0x20 ? 4 : 3)
    // "If the field value does not contain U+0000 NULL, then set the last event ID buffer to the field value."
    if (value.includes('\0')) return
    this.#id = value
    this.#hasId = true
  }

  /** An empty line: the event is over. "The buffer does not get reset." */
  #end(): string {
    const hasId = this.#hasId
    this.#hasId = false
    this.lastEventId = this.#id
    return hasId || this.#id === '' ? '\n' : `id: ${this.#id}\n\n`
  }
}
