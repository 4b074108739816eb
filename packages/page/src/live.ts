/** The events of a running program. Applies each as it arrives, and keeps none: a hidden page does not grow. */

import type { LiveUpdate } from '../index.js'
import { make, makeButton, setText } from './dom.js'

/** Receives updates. */
export type OnUpdate = (update: LiveUpdate) => void

/** The state of the connection to the program, with a button that pauses it. */
export class Live {
  readonly element: HTMLElement = make('div', 'live')
  readonly #state = make('output', 'state')
  readonly #button: HTMLButtonElement
  readonly #url: string
  readonly #onUpdate: OnUpdate
  #source: EventSource | undefined

  constructor(url: string, onUpdate: OnUpdate) {
    this.#url = url
    this.#onUpdate = onUpdate
    this.#button = makeButton('Pause', 'button', () => (this.#source === undefined ? this.start() : this.#pause()))
    this.element.append(make('span', 'pulse'), this.#state, this.#button)
  }

  /** Subscribes: the first update has all entries. */
  start(): void {
    setText(this.#button, 'Pause')
    this.#show('connecting', 'Connecting')
    const source = new EventSource(this.#url)
    this.#source = source
    source.addEventListener('open', () => this.#show('on', 'Live'))
    source.addEventListener('entries', ({ data }) => this.#onUpdate(JSON.parse(data as string) as LiveUpdate))
    source.addEventListener('end', () => {
      this.#stop()
      this.#show('off', 'The program has ended the inspection')
      this.#button.hidden = true
    })
    source.addEventListener('error', () => this.#show('off', 'Disconnected: the program may have ended'))
  }

  #pause(): void {
    this.#stop()
    setText(this.#button, 'Resume')
    this.#show('off', 'Paused')
  }

  #stop(): void {
    this.#source?.close()
    this.#source = undefined
  }

  #show(state: string, text: string): void {
    this.element.dataset['state'] = state
    setText(this.#state, text)
  }
}
