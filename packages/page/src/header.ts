/** The column headers, which sort. */

import { make, makeButton, makeRole } from './dom.js'
import type { Order, SortKey } from './order.js'

const COLUMNS: readonly { readonly name: string; readonly title: string; readonly key?: SortKey }[] = [
  { name: 'host', title: 'Host', key: 'host' },
  { name: 'connection', title: 'Conn.' },
  { name: 'request', title: 'Request' },
  { name: 'status', title: 'Status', key: 'status' },
  { name: 'size', title: 'Size', key: 'size' },
  { name: 'duration', title: 'Duration', key: 'duration' },
  { name: 'time', title: 'Start', key: 'start' },
]
/** Columns whose greatest value is shown first. */
const GREATEST_FIRST: ReadonlySet<SortKey> = new Set<SortKey>(['duration', 'size', 'status'])

/** The header of the grid. */
export class Header {
  readonly element: HTMLElement = makeRole('rowgroup', 'head')
  readonly #cells = new Map<SortKey, HTMLElement>()
  #order: Order | undefined

  /** @param axis drawn beside the title of the last column. */
  constructor(axis: HTMLElement, onSort: (order: Order) => void) {
    const row = makeRole('row', 'head-row')
    for (const { name, title, key } of COLUMNS) {
      const cell = makeRole('columnheader', `cell ${name}`)
      if (key === undefined) cell.append(make('span', 'plain', title))
      else {
        cell.append(makeButton(title, 'sort', () => onSort(this.#next(key))))
        this.#cells.set(key, cell)
      }
      if (name === 'time') cell.append(axis)
      row.append(cell)
    }
    this.element.append(row)
  }

  /** Marks the column that the rows are sorted by. */
  show(order: Order): void {
    this.#order = order
    for (const [key, cell] of this.#cells) {
      if (key === order.key) cell.setAttribute('aria-sort', order.isDescending ? 'descending' : 'ascending')
      else cell.setAttribute('aria-sort', 'none')
    }
  }

  #next(key: SortKey): Order {
    if (this.#order?.key === key) return { key, isDescending: !this.#order.isDescending }
    return { key, isDescending: GREATEST_FIRST.has(key) }
  }
}
