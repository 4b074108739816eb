/** The row of one entry. Knows nothing about other rows. */

import type { PageEntry } from '../index.js'
import type { Axis } from './axis.js'
import { make, makeRole, setText } from './dom.js'
import { shownBytes, shownMs } from './format.js'
import { hasFailed } from './groups.js'
import { type Matches, searchTextOf } from './order.js'
import { barBackground } from './phases.js'

/** Minimum duration of a drawn bar, in milliseconds: a bar without length has no place. */
const SHORTEST_MS = 0.01

/** A row without an entry: a copy of it is made in half the time of its parts. */
const TEMPLATE = makeTemplate()

function makeTemplate(): HTMLElement {
  const row = makeRole('row', 'row')
  row.tabIndex = -1
  const bar = make('span', 'bar')
  bar.setAttribute('role', 'img')
  row.append(
    makeRole('gridcell', 'cell host', '', make('span', 'dot'), make('span', 'text')),
    makeRole('gridcell', 'cell connection'),
    makeRole('gridcell', 'cell request', '', make('span', 'method'), ' ', make('span', 'path')),
    makeRole('gridcell', 'cell status'),
    makeRole('gridcell', 'cell number size'),
    makeRole('gridcell', 'cell number duration'),
    makeRole('gridcell', 'cell time', '', bar),
  )
  return row
}

const ROWS = new WeakMap<Element, Row>()

/** A row. Its element stays the same while its entry changes. */
export class Row {
  entry: PageEntry
  isShown = true
  readonly #axis: Axis
  readonly #hueOf: (host: string) => number
  #searchText = ''
  #element: HTMLElement | undefined

  constructor(entry: PageEntry, axis: Axis, hueOf: (host: string) => number) {
    this.entry = entry
    this.#axis = axis
    this.#hueOf = hueOf
    this.#searchText = searchTextOf(entry)
  }

  /** The row of an element. */
  static of(element: Element): Row | undefined {
    return ROWS.get(element)
  }

  /** Made when it is first needed. */
  get element(): HTMLElement {
    if (this.#element === undefined) {
      this.#element = TEMPLATE.cloneNode(true) as HTMLElement
      ROWS.set(this.#element, this)
      const dot = this.#element.firstElementChild!.firstElementChild as HTMLElement
      dot.style.setProperty('--hue', String(this.#hueOf(this.entry.host)))
      this.#draw(this.#element)
    }
    return this.#element
  }

  /** Shows a new state of the entry. */
  update(entry: PageEntry): void {
    this.entry = entry
    this.#searchText = searchTextOf(entry)
    if (this.#element !== undefined) this.#draw(this.#element)
  }

  #draw(row: HTMLElement): void {
    const { entry } = this
    const { connection, isPending, durationMs } = entry
    const [host, connectionCell, request, status, size, duration] = row.children
    setText(host!.lastElementChild!, entry.host)
    setText(connectionCell!, connection === '' ? '–' : `#${connection}`)
    setText(request!.firstElementChild!, entry.method)
    setText(request!.lastElementChild!, entry.path)
    setText(status!, statusOf(entry))
    setText(size!, shownBytes(entry.receivedBytes))
    setText(duration!, isPending ? '…' : shownMs(durationMs))
    row.className = classOf(entry)
    this.#drawBar(row.lastElementChild!.firstElementChild as HTMLElement)
  }

  /** Decides whether the row is shown, and returns that. */
  filter(matches: Matches): boolean {
    this.isShown = matches(this.entry, this.#searchText)
    return this.isShown
  }

  #drawBar(bar: HTMLElement): void {
    const { startMs, durationMs, isPending, phases } = this.entry
    const length = Math.max(SHORTEST_MS, durationMs).toFixed(3)
    const background = isPending ? '' : `background:${barBackground(phases)}`
    // Numbers and names of this program only. One text is faster than three properties.
    bar.style.cssText = `--start:${this.#axis.offsetOf(startMs)};--length:${length};${background}`
    bar.setAttribute('aria-label', `starts at ${shownMs(this.#axis.sinceOrigin(startMs))}`)
  }
}

function classOf(entry: PageEntry): string {
  if (entry.isPending) return 'row pending'
  if (hasFailed(entry)) return 'row failed'
  return entry.status >= 400 ? 'row refused' : 'row'
}

function statusOf(entry: PageEntry): string {
  if (entry.isPending) return 'pending'
  if (hasFailed(entry)) return entry.status === 0 ? 'failed' : `${entry.status} cut`
  return String(entry.status)
}
