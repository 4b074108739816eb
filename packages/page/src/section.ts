/** The rows of one connection, under a heading. */

import { Blocks } from './blocks.js'
import { make, makeRole, setText } from './dom.js'
import { counted, shownBytes } from './format.js'
import { factsOf, type GroupFacts, NO_CONNECTION } from './groups.js'
import type { Later } from './later.js'
import { comparisonOf, type Matches, type Order, placeOf } from './order.js'
import type { Row } from './row.js'

/** Maximum number of hosts that a heading lists. */
const MAX_CHIPS = 60
/** Number of columns, which a heading spans. */
const COLUMNS = '7'

/** A section of the grid. */
export class Section {
  readonly element: HTMLElement = makeRole('rowgroup', 'section')
  readonly key: string
  /** In the order of the page. */
  readonly rows: Row[] = []
  readonly #blocks: Blocks
  readonly #title = make('span', 'title')
  readonly #badge = make('span', 'badge')
  readonly #details = make('span', 'facts')
  readonly #chips = make('span', 'chips')
  readonly #hueOf: (host: string) => number
  #hosts = ''

  /** @param key see `keyOf`; empty for a section without a heading. */
  constructor(key: string, hueOf: (host: string) => number, later: Later) {
    this.key = key
    this.#blocks = new Blocks(this.element, later)
    this.#hueOf = hueOf
    if (key === '') return
    const cell = makeRole('rowheader', 'heading-cell', '', this.#title, this.#badge, this.#details, this.#chips)
    cell.setAttribute('aria-colspan', COLUMNS)
    this.element.append(makeRole('row', 'heading', '', cell))
  }

  /** Number of rows that are shown. */
  get shownCount(): number {
    return this.rows.reduce((count, { isShown }) => count + (isShown ? 1 : 0), 0)
  }

  /** Adds a row at its place. */
  insert(row: Row, order: Order): void {
    const place = placeOf(this.rows, row.entry, comparisonOf(order))
    this.rows.splice(place, 0, row)
    if (!row.isShown) return
    let next = place + 1
    while (this.rows[next]?.isShown === false) next++
    this.#blocks.insert(row, this.rows[next])
  }

  /** Removes a row. */
  remove(row: Row): void {
    const place = this.rows.indexOf(row)
    if (place !== -1) this.rows.splice(place, 1)
    this.#blocks.remove(row)
  }

  /** Brings the rows into an order. Call {@link fill} after it. */
  sort(order: Order): void {
    const compare = comparisonOf(order)
    this.rows.sort((a, b) => compare(a.entry, b.entry))
  }

  /** Draws the rows that match, of which there may be many. @param first see `Blocks.fill()`. Returns their number. */
  fill(matches: Matches, first: number): number {
    const shown = this.rows.filter((row) => row.filter(matches))
    this.#blocks.fill(shown, first)
    this.element.hidden = shown.length === 0
    return shown.length
  }

  /** Draws the heading again. */
  describe(): void {
    this.element.hidden = this.shownCount === 0
    if (this.key === '' || this.rows.length === 0) return
    const facts = factsOf(this.rows.map(({ entry }) => entry))
    const { hosts, connection, requests, bytes } = facts
    const isShared = connection !== '' && hosts.size > 1
    const port = commonPort(hosts)
    const address = [facts.address, port === '' ? '' : `port ${port}`].filter(Boolean).join(' ')
    this.element.classList.toggle('shared', isShared)
    setText(this.#title, this.#titleOf(facts))
    setText(this.#badge, isShared ? `${hosts.size} hosts on 1 connection` : connection === '' ? '' : 'not shared')
    setText(this.#details, [facts.protocol, address, counted(requests, 'request'), shownBytes(bytes)].filter(Boolean).join(' · '))
    this.#listHosts(hosts, port)
  }

  #titleOf({ connection, address }: GroupFacts): string {
    if (connection !== '') return `Connection ${connection}`
    if (this.key === NO_CONNECTION) return 'Without a connection'
    return address === '' ? 'Connection unknown' : 'Connections unknown'
  }

  /** @param port not repeated for each host. */
  #listHosts(hosts: ReadonlyMap<string, number>, port: string): void {
    const listed = [...hosts].slice(0, MAX_CHIPS)
    const text = JSON.stringify([...listed, hosts.size])
    if (text === this.#hosts) return
    this.#hosts = text
    const chips = listed.map(([host, requests]) => {
      const dot = make('span', 'dot')
      dot.style.setProperty('--hue', String(this.#hueOf(host)))
      return make(
        'span',
        'chip',
        '',
        dot,
        port === '' ? host : host.slice(0, -port.length - 1),
        make('span', 'times', String(requests)),
      )
    })
    if (hosts.size > MAX_CHIPS) chips.push(make('span', 'chip', `and ${counted(hosts.size - MAX_CHIPS, 'other host')}`))
    this.#chips.replaceChildren(...chips)
  }
}

/** The port that all hosts have; empty without one. */
function commonPort(hosts: ReadonlyMap<string, number>): string {
  const ports = new Set([...hosts.keys()].map((host) => /:(\d{1,5})$/.exec(host)?.[1] ?? ''))
  return ports.size === 1 ? [...ports][0]! : ''
}
