/** The common time axis: its ticks, and the range that the bars are drawn in. */

import { make } from './dom.js'
import { shownMs } from './format.js'

/** Maximum number of ticks. */
const MAX_TICKS = 6

/** Returns the distance of ticks: 1, 2 or 5 times a power of ten. @param spanMs positive. */
export function tickOf(spanMs: number): number {
  const least = spanMs / MAX_TICKS
  const power = 10 ** Math.floor(Math.log10(least))
  return [1, 2, 5, 10].map((factor) => factor * power).find((tick) => tick >= least)!
}

/** The axis of a grid, whose style properties place all bars. */
export class Axis {
  readonly element: HTMLElement = make('span', 'ticks')
  readonly #grid: HTMLElement
  /** Bars are placed relative to it: numbers of style properties have few digits. */
  #originMs = Number.NaN
  #fromMs = 0
  #spanMs = 0

  constructor(grid: HTMLElement) {
    this.#grid = grid
    this.element.setAttribute('aria-hidden', 'true')
  }

  /** Places bars relative to a time, in milliseconds since 1970. Only the first call has an effect. */
  begin(timeMs: number | undefined): void {
    if (Number.isNaN(this.#originMs) && timeMs !== undefined) this.#originMs = timeMs
  }

  /** Draws the axis for a range, if it differs. Times are in milliseconds since 1970. */
  show(fromMs: number, toMs: number): void {
    const tick = tickOf(Math.max(1, toMs - fromMs))
    // Both ends move in steps: a live page does not place its bars again for each request.
    const step = tick / 2
    const startMs = this.#originMs + Math.floor((fromMs - this.#originMs) / step) * step
    const spanMs = Math.max(1, Math.ceil((toMs - startMs) / step)) * step
    if (startMs === this.#fromMs && spanMs === this.#spanMs) return
    this.#fromMs = startMs
    this.#spanMs = spanMs
    this.#grid.style.setProperty('--from', this.offsetOf(startMs))
    this.#grid.style.setProperty('--span', String(spanMs))
    this.#grid.style.setProperty('--tick', `${(tick / spanMs) * 100}%`)
    const labels: HTMLElement[] = []
    for (let ms = 0; ms < spanMs; ms += tick) {
      const label = make('span', 'tick', shownMs(ms))
      label.style.setProperty('left', `${(ms / spanMs) * 100}%`)
      labels.push(label)
    }
    this.element.replaceChildren(...labels)
  }

  /** Time since the origin of the bars, for a style property. Call {@link begin} before. */
  offsetOf(timeMs: number): string {
    return (timeMs - this.#originMs).toFixed(3)
  }

  /** Time since the origin of the bars, in milliseconds. */
  sinceOrigin(timeMs: number): number {
    return Math.max(0, timeMs - this.#originMs)
  }
}
