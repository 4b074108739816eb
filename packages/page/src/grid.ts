/** The grid: which entries it has, in which sections, order and filter. Knows nothing about keys and pointers. */

import type { PageEntry } from '../index.js'
import { Axis } from './axis.js'
import { makeRole } from './dom.js'
import { keyOf, rangeOf } from './groups.js'
import { Header } from './header.js'
import { Later } from './later.js'
import { comparisonOf, filterOf, type Matches, type Order } from './order.js'
import { Row } from './row.js'
import { Section } from './section.js'

/** Degrees between the hues of two hosts: the golden angle keeps neighbors apart. */
const HUE_STEP = 137.508
/** Number of rows that are drawn at once: those of a screen, and some below it. */
const FIRST_ROWS = 60
/** Maximum number of hosts whose hue is remembered. */
const MAX_HUES = 4096

/** All rows. */
export class Grid {
  readonly element: HTMLElement = makeRole('grid', 'grid')
  readonly axis: Axis = new Axis(this.element)
  readonly #header: Header
  readonly #rows = new Map<number, Row>()
  readonly #later = new Later((isBusy) => this.element.setAttribute('aria-busy', String(isBusy)))
  readonly #sections = new Map<string, Section>()
  readonly #hues = new Map<string, number>()
  #order: Order = { key: 'start', isDescending: false }
  #matches: Matches = filterOf('')
  #isGrouped = true
  #isAligned = false
  readonly #onChanged: () => void

  /** @param onChanged called after each change of the rows, their order or the filter. */
  constructor(onChanged: () => void) {
    this.#onChanged = onChanged
    this.element.setAttribute('aria-label', 'Requests')
    this.#header = new Header(this.axis.element, (order) => this.sort(order))
    this.#header.show(this.#order)
    this.element.append(this.#header.element)
  }

  get entries(): PageEntry[] {
    return [...this.#rows.values()].map(({ entry }) => entry)
  }

  get shownCount(): number {
    return this.shownRows().length
  }

  /** The rows that are shown, from top to bottom. */
  shownRows(): Row[] {
    return [...this.#sections.values()].flatMap(({ rows }) => rows.filter(({ isShown }) => isShown))
  }

  /** The row that has an element, or the row around it. */
  rowOf(target: EventTarget | null): Row | undefined {
    const element = target instanceof Element ? target.closest('.row') : null
    return element === null ? undefined : Row.of(element)
  }

  /** The row of an entry. */
  rowOfEntry(id: number): Row | undefined {
    return this.#rows.get(id)
  }

  /** Adds and replaces entries, and removes others. @param isSnapshot whether all entries before are to be removed. */
  apply(entries: readonly PageEntry[], dropped: readonly number[] = [], isSnapshot = false): void {
    const changed = new Set<Section>()
    const removed = isSnapshot ? [...this.#rows.keys()] : dropped
    for (const id of removed) this.#remove(id, changed)
    this.#forgetEmpty(changed)
    this.axis.begin(entries[0]?.startMs)
    if (this.#rows.size === 0) this.#putAll(entries)
    else for (const entry of entries) this.#put(entry, changed)
    this.#forgetEmpty(changed)
    for (const section of changed) section.describe()
    if (changed.size > 0 || isSnapshot) this.#arrange()
    this.#changed()
  }

  /** Sorts all rows. */
  sort(order: Order): void {
    this.#order = order
    this.#header.show(order)
    for (const section of this.#sections.values()) section.sort(order)
    this.#arrange()
    this.#fill()
    this.#changed()
  }

  /** Shows the rows that match a text. */
  filter(text: string): void {
    this.#matches = filterOf(text)
    this.#fill()
    this.#changed()
  }

  /** Lets all bars begin at the left edge, or at their start. */
  align(isAligned: boolean): void {
    this.#isAligned = isAligned
    this.element.classList.toggle('aligned', isAligned)
    this.#changed()
  }

  /** Groups rows by connection, or not. */
  group(isGrouped: boolean): void {
    this.#later.finish()
    this.#isGrouped = isGrouped
    this.element.classList.toggle('flat', !isGrouped)
    for (const section of this.#sections.values()) section.element.remove()
    this.#sections.clear()
    this.#fillAll()
    this.#changed()
  }

  /** The axis is that of the rows that are shown: a filter is also a zoom. */
  #changed(): void {
    const entries = this.shownRows().map(({ entry }) => entry)
    const { fromMs, toMs } = rangeOf(entries)
    const longestMs = entries.reduce((longest, { durationMs }) => Math.max(longest, durationMs), 0)
    if (entries.length > 0) this.axis.show(fromMs, this.#isAligned ? fromMs + longestMs : toMs)
    this.#onChanged()
  }

  /** Adds the first entries: all at once is faster than one by one. */
  #putAll(entries: readonly PageEntry[]): void {
    for (const entry of entries) if (!this.#rows.has(entry.id)) this.#makeRow(entry)
    this.#fillAll()
  }

  /** Distributes all rows to sections. */
  #fillAll(): void {
    for (const row of this.#rows.values()) this.#sectionOf(row.entry).rows.push(row)
    for (const section of this.#sections.values()) {
      section.sort(this.#order)
      section.describe()
    }
    this.#arrange()
    this.#fill()
  }

  /** Draws all sections, from top to bottom. A page that has been scrolled down shows others than the first rows. */
  #fill(): void {
    let first = window.scrollY > window.innerHeight / 2 ? Number.POSITIVE_INFINITY : FIRST_ROWS
    for (const section of this.#sections.values()) first -= section.fill(this.#matches, first)
  }

  /** Draws the rows that wait for it. */
  finish(): void {
    this.#later.finish()
  }

  #makeRow(entry: PageEntry): Row {
    const row = new Row(entry, this.axis, (host) => this.#hueOf(host))
    this.#rows.set(entry.id, row)
    return row
  }

  #put(entry: PageEntry, changed: Set<Section>): void {
    let row = this.#rows.get(entry.id)
    const section = this.#sectionOf(entry)
    changed.add(section)
    if (row === undefined) {
      row = this.#makeRow(entry)
      row.filter(this.#matches)
      section.insert(row, this.#order)
      return
    }
    const before = this.#sectionOf(row.entry)
    changed.add(before)
    const { isShown } = row
    const isSorted = before === section && comparisonOf(this.#order)(row.entry, entry) === 0
    if (!isSorted) before.remove(row)
    row.update(entry)
    if (isSorted && row.filter(this.#matches) === isShown) return
    if (isSorted) before.remove(row)
    row.filter(this.#matches)
    section.insert(row, this.#order)
  }

  #remove(id: number, changed: Set<Section>): void {
    const row = this.#rows.get(id)
    if (row === undefined) return
    const section = this.#sectionOf(row.entry)
    section.remove(row)
    this.#rows.delete(id)
    changed.add(section)
  }

  #sectionOf(entry: PageEntry): Section {
    const key = this.#isGrouped ? keyOf(entry) : ''
    let section = this.#sections.get(key)
    if (section === undefined) {
      section = new Section(key, (host) => this.#hueOf(host), this.#later)
      this.#sections.set(key, section)
    }
    return section
  }

  /** Removes the sections without rows, also from the set. */
  #forgetEmpty(changed: Set<Section>): void {
    for (const section of changed) {
      if (section.rows.length > 0) continue
      changed.delete(section)
      section.element.remove()
      if (this.#sections.get(section.key) === section) this.#sections.delete(section.key)
    }
  }

  /** Orders the sections by their first rows. */
  #arrange(): void {
    const compare = comparisonOf(this.#order)
    const sorted = [...this.#sections.values()].sort((a, b) => compare(a.rows[0]!.entry, b.rows[0]!.entry))
    this.#sections.clear()
    let before: Element = this.#header.element
    for (const section of sorted) {
      this.#sections.set(section.key, section)
      if (before.nextElementSibling !== section.element) before.after(section.element)
      before = section.element
    }
    this.element.setAttribute('aria-rowcount', String(this.#rows.size + sorted.length + 1))
  }

  #hueOf(host: string): number {
    let hue = this.#hues.get(host)
    if (hue === undefined) {
      if (this.#hues.size >= MAX_HUES) this.#hues.clear()
      hue = Math.round((this.#hues.size * HUE_STEP + 210) % 360)
      this.#hues.set(host, hue)
    }
    return hue
  }
}
