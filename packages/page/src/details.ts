/** The details of one entry, in a dialog beside the rows. */

import type { Field, PageEntry } from '../index.js'
import { make, makeButton, setText } from './dom.js'
import { shownBytes, shownMs } from './format.js'
import { PHASES } from './phases.js'
import { outcomeOf, verdictOf } from './verdict.js'

/** Windows that have no space beside the dialog: it covers the rows. */
const NARROW = '(max-width: 760px)'

/** Moves of the dialog to another row. */
export interface DetailsMoves {
  /** @param step -1 for the row before, 1 for the next. */
  move(step: number): void
  /** The dialog was closed: the row gets the focus again. */
  closed(id: number): void
}

/** The dialog. */
export class Details {
  readonly element: HTMLDialogElement = make('dialog', 'details')
  readonly #title = make('h2', '')
  readonly #body = make('div', 'details-body')
  readonly #content = make('div', '')
  #entry: PageEntry | undefined

  constructor(moves: DetailsMoves) {
    this.#title.id = 'details-title'
    this.#title.tabIndex = -1
    this.element.setAttribute('aria-labelledby', 'details-title')
    const bar = make(
      'div',
      'details-bar',
      '',
      makeButton('Previous', 'button', () => moves.move(-1)),
      makeButton('Next', 'button', () => moves.move(1)),
      makeButton('Close', 'button', () => this.element.close()),
    )
    this.#body.tabIndex = 0
    this.#body.setAttribute('role', 'group')
    this.#body.setAttribute('aria-label', 'Details of the request')
    this.#body.append(this.#title, this.#content)
    this.element.append(bar, this.#body)
    this.element.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.element.close()
    })
    this.element.addEventListener('close', () => {
      if (this.#entry !== undefined) moves.closed(this.#entry.id)
    })
  }

  /** Id of the entry that is shown; `undefined` while the dialog is closed. */
  get id(): number | undefined {
    return this.element.open ? this.#entry?.id : undefined
  }

  /** Opens the dialog, and gives it the focus. */
  open(entry: PageEntry): void {
    this.#show(entry)
    if (!this.element.open) {
      if (window.matchMedia(NARROW).matches) this.element.showModal()
      else this.element.show()
    }
    this.#title.focus()
    this.#body.scrollTop = 0
  }

  /** Shows a new state of the entry, without a change of the focus. */
  update(entry: PageEntry): void {
    if (this.id === entry.id && this.#entry !== entry) this.#show(entry)
  }

  #show(entry: PageEntry): void {
    this.#entry = entry
    setText(this.#title, `${entry.method} ${entry.url}`)
    this.#content.replaceChildren(
      make('p', 'verdict', verdictOf(entry)),
      make('p', `outcome${entry.error === '' ? '' : ' bad'}`, outcomeOf(entry)),
      phaseTable(entry),
      factList(entry),
      fieldTable('Request fields', entry.requestFields),
      fieldTable('Response fields', entry.responseFields),
    )
  }
}

function phaseTable({ phases, durationMs }: PageEntry): HTMLElement {
  const rows = PHASES.flatMap(({ name, meaning }, i) => {
    const ms = phases[i] ?? -1
    if (ms < 0) return []
    const bar = make('span', `meter phase-${name}`)
    bar.style.setProperty('width', `${durationMs === 0 ? 0 : Math.min(100, (ms / durationMs) * 100)}%`)
    const title = make('th', '', name)
    title.scope = 'row'
    return [
      make('tr', '', '', title, make('td', 'number', shownMs(ms)), make('td', 'meters', '', bar), make('td', 'muted', meaning)),
    ]
  })
  if (rows.length === 0) return make('p', 'muted', 'No times were recorded.')
  return make('table', 'phases', '', make('caption', '', 'Times'), make('tbody', '', '', ...rows))
}

function factList(entry: PageEntry): HTMLElement {
  const { protocol, connection, address, priority, contentType, because, startMs, receivedBytes, sentBytes } = entry
  const facts: readonly (readonly [string, string])[] = [
    ['Started', new Date(startMs).toISOString()],
    ['Protocol', protocol],
    ['Connection', connection],
    ['Address', address],
    ['Reason', because],
    ['Priority', priority],
    ['Content type', contentType],
    ['Received', receivedBytes < 0 ? '' : shownBytes(receivedBytes)],
    ['Sent', sentBytes < 0 ? '' : shownBytes(sentBytes)],
  ]
  const list = make('dl', 'fact-list')
  for (const [name, value] of facts) if (value !== '') list.append(make('dt', '', name), make('dd', '', value))
  return list
}

function fieldTable(title: string, fields: readonly Field[]): HTMLElement {
  if (fields.length === 0) return make('p', 'muted', `${title}: none were recorded.`)
  const rows = fields.map(([name, value]) => {
    const head = make('th', '', name)
    head.scope = 'row'
    return make('tr', '', '', head, make('td', '', value))
  })
  return make('table', 'fields', '', make('caption', '', title), make('tbody', '', '', ...rows))
}
