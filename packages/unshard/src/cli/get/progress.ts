/** Progress bars on a terminal: one for each transfer that writes a file, and a total. */

import { MultiBar, type SingleBar } from 'cli-progress'
import { byteSize } from '../format.js'
import { lineForTerminal } from '../terminal.js'

const NAME_LENGTH = 24
const BAR_LENGTH = 24
const REDRAWS_PER_SECOND = 10
/** Bars of ended transfers that stay: all bars must fit the terminal. */
const MOST_KEPT = 10

/** The bar of one transfer. */
export interface TransferBar {
  /** @param total bytes of the whole content, if known. */
  update(bytes: number, total: number | undefined): void
  end(): void
}

/** Bars of all transfers. */
export class Progress {
  readonly #bars: MultiBar
  readonly #total: SingleBar | undefined
  readonly #begun = performance.now()
  /** Bars of transfers that are over. */
  readonly #kept: SingleBar[] = []
  #bytes = 0
  #expected = 0

  /** @param hasTotal whether there are several transfers. */
  constructor(stream: NodeJS.WriteStream, hasTotal: boolean) {
    this.#bars = new MultiBar({
      ...{ stream, fps: REDRAWS_PER_SECOND, hideCursor: true, clearOnComplete: false, stopOnComplete: false },
      format: (_options, { value, total }, { name }) => lineOf(name as string, value, total, performance.now() - this.#begun),
    })
    this.#total = hasTotal ? this.#bars.create(0, 0, { name: 'total' }) : undefined
  }

  /** Adds the bar of a transfer. */
  add(name: string): TransferBar {
    const bar = this.#bars.create(0, 0, { name: lineForTerminal(name) })
    let before = 0
    let expected = 0
    return {
      update: (bytes, total = 0) => {
        bar.setTotal(total)
        bar.update(bytes)
        this.#bytes += bytes - before
        this.#expected += total - expected
        before = bytes
        expected = total
        this.#total?.setTotal(this.#expected)
        this.#total?.update(this.#bytes)
      },
      end: () => {
        bar.stop()
        this.#kept.push(bar)
        if (this.#kept.length > MOST_KEPT) this.#bars.remove(this.#kept.shift()!)
      },
    }
  }

  /** Draws the bars a last time, and restores the terminal. */
  stop(): void {
    this.#bars.stop()
  }
}

function lineOf(name: string, bytes: number, total: number, elapsedMs: number): string {
  const shownName = name.length > NAME_LENGTH ? `${name.slice(0, NAME_LENGTH - 1)}…` : name.padEnd(NAME_LENGTH)
  const speed = `${byteSize((bytes / Math.max(elapsedMs, 1)) * 1_000)}/s`
  if (total === 0) return `${shownName} ${byteSize(bytes).padStart(9)}  ${speed}`
  const share = Math.min(1, bytes / total)
  const full = Math.round(share * BAR_LENGTH)
  const bar = '█'.repeat(full) + '░'.repeat(BAR_LENGTH - full)
  return `${shownName} ${bar} ${`${Math.floor(share * 100)}`.padStart(3)}% ${byteSize(bytes)} of ${byteSize(total)}  ${speed}`
}
