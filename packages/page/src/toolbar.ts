/** The controls: filter, grouping, theme, and the key of the colors. */

import { make, makeButton, setText } from './dom.js'
import { counted, shownCount } from './format.js'
import { PHASES } from './phases.js'

/** Effects of the controls. */
export interface ToolbarActions {
  filter(text: string): void
  group(isGrouped: boolean): void
  align(isAligned: boolean): void
}

/** The toolbar. */
export class Toolbar {
  readonly element: HTMLElement = make('div', 'toolbar')
  readonly #filter = make('input', 'filter')
  readonly #count = make('output', 'count')

  constructor(actions: ToolbarActions) {
    const filter = this.#filter
    filter.type = 'search'
    filter.placeholder = 'Filter: host, path, method, status:404, reason:busy'
    filter.setAttribute('aria-label', 'Filter requests')
    filter.setAttribute('aria-keyshortcuts', '/')
    filter.spellcheck = false
    filter.addEventListener('input', () => actions.filter(filter.value))
    this.element.append(
      filter,
      make('kbd', 'hint', '/'),
      this.#count,
      makeToggle('Group by connection', true, (isOn) => actions.group(isOn)),
      makeToggle('Align starts', false, (isOn) => actions.align(isOn)),
      makeThemeButton(),
      makeLegend(),
    )
    document.addEventListener('keydown', (event) => this.#onKey(event))
  }

  /** Says how many rows are shown. */
  count(shown: number, all: number): void {
    const text = shown === all ? counted(all, 'row') : `${shownCount(shown)} of ${counted(all, 'row')}`
    setText(this.#count, text)
  }

  #onKey(event: KeyboardEvent): void {
    const isTyping = event.target instanceof HTMLInputElement
    if (event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault()
      this.#filter.focus()
      this.#filter.select()
    }
  }
}

function makeToggle(text: string, isOn: boolean, onToggle: (isOn: boolean) => void): HTMLButtonElement {
  const button = makeButton(text, 'button', () => {
    const toggled = button.getAttribute('aria-pressed') !== 'true'
    button.setAttribute('aria-pressed', String(toggled))
    onToggle(toggled)
  })
  button.setAttribute('aria-pressed', String(isOn))
  return button
}

/** A button that switches between the light and the dark theme; before, that of the system applies. */
function makeThemeButton(): HTMLButtonElement {
  const root = document.documentElement
  const isDark = (): boolean => {
    const { theme } = root.dataset
    return theme === undefined ? window.matchMedia('(prefers-color-scheme: dark)').matches : theme === 'dark'
  }
  const button = makeButton('Dark', 'button theme', () => {
    root.dataset['theme'] = isDark() ? 'light' : 'dark'
    button.setAttribute('aria-pressed', String(isDark()))
  })
  button.setAttribute('aria-pressed', String(isDark()))
  return button
}

function makeLegend(): HTMLElement {
  const items = PHASES.map(({ name, meaning }) => {
    const item = make('li', '', '', make('span', `swatch phase-${name}`), name)
    item.title = meaning
    return item
  })
  const list = make('ul', 'legend', '', ...items)
  list.setAttribute('aria-label', 'Colors of the phases')
  return list
}
