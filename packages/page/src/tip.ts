/** The tip of the row under the pointer, or with the focus: its verdict. */

import { make } from './dom.js'
import type { Row } from './row.js'
import { outcomeOf, phasesOf, verdictOf } from './verdict.js'

const ID = 'tip'
/** Distance to the row and to the edge of the window, in pixels. */
const GAP = 6

/** The tip. It is one element, which moves. */
export class Tip {
  readonly element: HTMLElement = make('div', 'tip')
  #row: Row | undefined

  constructor() {
    this.element.id = ID
    this.element.setAttribute('role', 'tooltip')
    this.element.hidden = true
  }

  /** Shows the verdict of a row. @param x where, in pixels from the left edge of the window; by default beside the beginning of the row. */
  show(row: Row, x?: number): void {
    if (this.#row === row && !this.element.hidden) return
    this.hide()
    this.#row = row
    const { entry } = row
    const lines = [
      make('strong', 'tip-title', `${entry.method} ${entry.host}${entry.path}`),
      make('span', 'tip-verdict', verdictOf(entry)),
      make('span', '', outcomeOf(entry)),
      make('span', 'tip-phases', phasesOf(entry)),
    ]
    this.element.replaceChildren(...lines)
    this.element.hidden = false
    row.element.setAttribute('aria-describedby', ID)
    this.#place(row.element.getBoundingClientRect(), x)
  }

  hide(): void {
    this.#row?.element.removeAttribute('aria-describedby')
    this.#row = undefined
    this.element.hidden = true
  }

  #place(row: DOMRect, x = row.left + GAP): void {
    const { width, height } = this.element.getBoundingClientRect()
    const left = Math.max(GAP, Math.min(x, window.innerWidth - width - GAP))
    const fitsBelow = row.bottom + GAP + height < window.innerHeight
    const top = fitsBelow ? row.bottom + GAP : row.top - GAP - height
    this.element.style.setProperty('left', `${left}px`)
    this.element.style.setProperty('top', `${Math.max(GAP, top)}px`)
  }
}
