/** Reads the data of the page, and wires its parts. */

import type { LiveUpdate, PageData } from '../index.js'
import { Details } from './details.js'
import { make } from './dom.js'
import { counted } from './format.js'
import { Grid } from './grid.js'
import { totalsOf } from './groups.js'
import { Roving } from './keyboard.js'
import { Live } from './live.js'
import type { Row } from './row.js'
import { Summary } from './summary.js'
import { Tip } from './tip.js'
import { Toolbar } from './toolbar.js'

/** The whole page. */
class Page {
  readonly #grid: Grid = new Grid(() => this.#refresh())
  readonly #summary = new Summary()
  readonly #toolbar = new Toolbar({
    filter: (text) => this.#grid.filter(text),
    group: (isOn) => this.#grid.group(isOn),
    align: (isOn) => this.#grid.align(isOn),
  })
  readonly #details = new Details({ move: (step) => this.#move(step), closed: (id) => this.#returnTo(id) })
  readonly #roving = new Roving(this.#grid, (row) => this.#open(row))
  readonly #tip = new Tip()
  readonly #empty = make('p', 'empty')
  readonly #dropped = make('p', 'note')

  /** @param main the element to fill. */
  show(main: HTMLElement, { title, creator, entries, notes, events }: PageData): void {
    const header = make('header', 'top', '', make('h1', '', title), make('span', 'creator', creator))
    if (events !== undefined) {
      const live = new Live(events, (update) => this.#update(update))
      header.append(live.element)
      live.start()
    }
    this.#dropped.hidden = true
    this.#grid.apply(entries)
    const shownNotes = [...notes.map((note) => make('p', 'note', note)), this.#dropped]
    main.replaceChildren(header, this.#summary.element, ...shownNotes, this.#toolbar.element, this.#grid.element, this.#empty)
    main.append(this.#details.element, this.#tip.element)
    this.#listen()
  }

  #listen(): void {
    const { element } = this.#grid
    element.addEventListener('click', ({ target }) => {
      const row = this.#grid.rowOf(target)
      if (row !== undefined && window.getSelection()?.isCollapsed !== false) this.#open(row)
    })
    element.addEventListener('pointerover', ({ target, clientX, pointerType }) => {
      const row = this.#grid.rowOf(target)
      if (row === undefined || pointerType === 'touch') this.#tip.hide()
      else this.#tip.show(row, clientX)
    })
    element.addEventListener('pointerleave', () => this.#tip.hide())
    element.addEventListener('focusin', ({ target }) => {
      const row = this.#grid.rowOf(target)
      if (row?.element.matches(':focus-visible') === true) this.#tip.show(row)
    })
    element.addEventListener('focusout', () => this.#tip.hide())
    window.addEventListener('beforeprint', () => this.#grid.finish())
    window.addEventListener('scroll', () => this.#tip.hide(), { passive: true })
    document.addEventListener('keydown', ({ key }) => {
      if (key === 'Escape') this.#tip.hide()
    })
  }

  #update({ entries, dropped, isSnapshot, droppedTotal }: LiveUpdate): void {
    this.#grid.apply(entries, dropped, isSnapshot)
    this.#dropped.hidden = droppedTotal === 0
    this.#dropped.textContent = `${counted(droppedTotal, 'older request is', 'older requests are')} no longer shown.`
    const id = this.#details.id
    const row = id === undefined ? undefined : this.#grid.rowOfEntry(id)
    if (row !== undefined) this.#details.update(row.entry)
  }

  #refresh(): void {
    const { entries } = this.#grid
    const shown = this.#grid.shownCount
    this.#summary.show(totalsOf(entries))
    this.#toolbar.count(shown, entries.length)
    this.#roving.refresh()
    this.#empty.hidden = shown > 0
    this.#empty.textContent = entries.length === 0 ? 'No requests yet.' : 'No request matches the filter.'
  }

  #open(row: Row): void {
    this.#tip.hide()
    this.#roving.focus(row)
    this.#tip.hide()
    this.#details.open(row.entry)
  }

  #move(step: number): void {
    const id = this.#details.id
    const row = id === undefined ? undefined : this.#grid.rowOfEntry(id)
    const next = row === undefined ? this.#grid.shownRows()[0] : this.#roving.rowAt(row, (place) => place + step)
    if (next === undefined) return
    next.element.scrollIntoView({ block: 'nearest' })
    this.#details.open(next.entry)
  }

  #returnTo(id: number): void {
    const row = this.#grid.rowOfEntry(id) ?? this.#grid.shownRows()[0]
    if (row !== undefined) this.#roving.focus(row)
  }
}

const data = JSON.parse(document.getElementById('data')!.textContent!) as PageData
new Page().show(document.querySelector('main')!, data)
