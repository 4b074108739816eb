/** Keys: arrows move the focus from row to row, of which one at a time is in the tab order. */

import type { Grid } from './grid.js'
import type { Row } from './row.js'

/** Rows that PageUp and PageDown skip. */
const PAGE = 15

const MOVES: Readonly<Record<string, (place: number, last: number) => number>> = {
  ArrowDown: (place) => place + 1,
  ArrowUp: (place) => place - 1,
  PageDown: (place) => place + PAGE,
  PageUp: (place) => place - PAGE,
  Home: () => 0,
  End: (_, last) => last,
}

/** The row in the tab order. */
export class Roving {
  readonly #grid: Grid
  #current: Row | undefined

  /** @param onOpen called for Enter or the space bar on a row. */
  constructor(grid: Grid, onOpen: (row: Row) => void) {
    this.#grid = grid
    grid.element.addEventListener('focusin', (event) => {
      const row = grid.rowOf(event.target)
      if (row !== undefined) this.#set(row)
    })
    grid.element.addEventListener('keydown', (event) => {
      const row = grid.rowOf(event.target)
      if (row === undefined || event.altKey || event.ctrlKey || event.metaKey) return
      const isOpened = event.key === 'Enter' || event.key === ' '
      if (isOpened) onOpen(row)
      else if (Object.hasOwn(MOVES, event.key)) this.#move(row, MOVES[event.key]!)
      else return
      event.preventDefault()
    })
  }

  /** Keeps one of the shown rows in the tab order. Call it after each change of the rows. */
  refresh(): void {
    const current = this.#current
    if (current?.isShown === true && current.element.isConnected) return
    const first = this.#grid.shownRows()[0]
    if (first !== undefined) this.#set(first)
  }

  /** Gives the focus to a row. */
  focus(row: Row): void {
    this.#grid.finish()
    this.#set(row)
    row.element.focus()
  }

  /** Returns the row a number of steps from another one, within the rows that are shown. */
  rowAt(row: Row, step: (place: number, last: number) => number): Row | undefined {
    const rows = this.#grid.shownRows()
    const last = rows.length - 1
    return rows[Math.max(0, Math.min(last, step(rows.indexOf(row), last)))]
  }

  #move(row: Row, step: (place: number, last: number) => number): void {
    const next = this.rowAt(row, step)
    if (next !== undefined) this.focus(next)
  }

  #set(row: Row): void {
    if (this.#current === row) return
    if (this.#current !== undefined) this.#current.element.tabIndex = -1
    this.#current = row
    row.element.tabIndex = 0
  }
}
