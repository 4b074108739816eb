/**
 * The rows of a section in blocks, whose content the browser neither styles nor places while they are out of
 * sight: a page of 2,000 rows has the cost of one screen. Search in the page, printing and screen readers still find all rows.
 */

import { makeRole } from './dom.js'
import type { Later } from './later.js'
import type { Row } from './row.js'

/** Number of rows of a new block, and from which number on it is divided. */
const ROWS = 20
const MAX_ROWS = 40

/** The blocks of a section. */
export class Blocks {
  readonly #section: HTMLElement
  readonly #later: Later
  #all: HTMLElement[] = []

  constructor(section: HTMLElement, later: Later) {
    this.#section = section
    this.#later = later
  }

  /**
   * Makes new blocks of rows. Those before may be in sight, and would place all rows at once.
   * @param first number of rows that are drawn at once; the others get their space, and are drawn later.
   */
  fill(rows: readonly Row[], first: number): void {
    const before = this.#all
    const all: HTMLElement[] = []
    this.#all = all
    for (let i = 0; i < rows.length; i += ROWS) {
      const part = rows.slice(i, i + ROWS)
      const block = measured(makeBlock(), part.length)
      const draw = (): void => block.append(...part.map(({ element }) => element))
      if (i < first) draw()
      else this.#later.add(() => void (this.#all === all && draw()))
      all.push(block)
    }
    for (const block of before) block.remove()
    this.#section.append(...all)
  }

  /** Adds a row before another one, or at the end. */
  insert(row: Row, next: Row | undefined): void {
    this.#later.finish()
    let block = next === undefined ? this.#all.at(-1) : next.element.parentElement!
    if (block === undefined || (next === undefined && block.childElementCount >= ROWS)) {
      block = makeBlock()
      this.#all.push(block)
      this.#section.append(block)
    }
    block.insertBefore(row.element, next?.element ?? null)
    if (block.childElementCount > MAX_ROWS) this.#divide(block)
    measured(block)
  }

  remove(row: Row): void {
    this.#later.finish()
    const block = row.element.parentElement
    row.element.remove()
    if (block === null) return
    if (block.childElementCount > 0) return void measured(block)
    block.remove()
    this.#all.splice(this.#all.indexOf(block), 1)
  }

  #divide(block: HTMLElement): void {
    const half = makeBlock()
    half.append(...[...block.children].slice(ROWS))
    block.after(measured(half))
    this.#all.splice(this.#all.indexOf(block) + 1, 0, half)
  }
}

function makeBlock(): HTMLElement {
  return makeRole('presentation', 'block')
}

/** Sets the height of a block: that of its rows, even if they are not drawn. */
function measured(block: HTMLElement, rows: number = block.childElementCount): HTMLElement {
  block.style.setProperty('--rows', String(rows))
  return block
}
