/** `--verbose` over HTTP/1.1: the lines of heads, and the lengths of what follows them, as curl prints them. */

import { lineForTerminal } from '../terminal.js'
import type { PrintLine } from './frame-log.js'

const MARKS = { sent: { line: '>', content: '}' }, received: { line: '<', content: '{' } } as const
/** Maximum size of a head that is collected, in bytes. */
const MAX_HEAD_BYTES = 262_144

/** The heads of one connection in one direction. */
export class HeadLog {
  readonly #direction: 'sent' | 'received'
  readonly #print: PrintLine
  /** A head that is not complete. */
  #head = ''

  constructor(direction: 'sent' | 'received', print: PrintLine) {
    this.#direction = direction
    this.#print = print
  }

  read(bytes: Uint8Array): void {
    const text = this.#head + Buffer.from(bytes).toString('latin1')
    if (!this.#isHead(text)) return this.#content(bytes.length)
    const end = text.indexOf('\r\n\r\n')
    if (end === -1 && text.length < MAX_HEAD_BYTES) {
      this.#head = text
      return
    }
    this.#head = ''
    for (const line of text.slice(0, end).split('\r\n'))
      this.#print(`${MARKS[this.#direction].line} ${lineForTerminal(line)}`, 'frame')
    const rest = text.length - end - 4
    if (rest > 0) this.read(Buffer.from(text.slice(end + 4), 'latin1'))
  }

  #isHead(text: string): boolean {
    if (this.#direction === 'received') return text.startsWith('HTTP/1.')
    const end = text.indexOf('\r\n')
    return end !== -1 && text.slice(0, end).endsWith(' HTTP/1.1')
  }

  #content(length: number): void {
    this.#print(`${MARKS[this.#direction].content} [${length} bytes data]`, 'detail')
  }
}
