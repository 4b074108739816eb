/** The totals at the top. */

import { make, setText } from './dom.js'
import { counted, shownBytes, shownCount, shownMs } from './format.js'
import type { Totals } from './groups.js'

/** A total: its name, its value, and a remark. */
type Tile = readonly [name: string, value: string, remark: string]

function tilesOf(totals: Totals): Tile[] {
  const { requests, pending, hosts, connections, saved, handshakes, bytes, timeMs, failed, refused } = totals
  return [
    ['Requests', shownCount(requests), pending > 0 ? `${pending} pending` : ''],
    ['Hosts', shownCount(hosts), ''],
    ['Connections', shownCount(connections), ''],
    ['Connections saved', shownCount(saved), saved > 0 ? 'by sharing' : ''],
    ['Handshakes', shownCount(handshakes), ''],
    ['Received', shownBytes(bytes), ''],
    ['Total time', shownMs(timeMs), ''],
    ['Failures', shownCount(failed), refused > 0 ? `and ${counted(refused, 'error status', 'error statuses')}` : ''],
  ]
}

/** The list of totals. */
export class Summary {
  readonly element: HTMLElement = make('dl', 'totals')
  readonly #tiles = new Map<string, { tile: HTMLElement; value: HTMLElement; remark: HTMLElement }>()

  show(totals: Totals): void {
    for (const [name, value, remark] of tilesOf(totals)) {
      const tile = this.#tileOf(name)
      setText(tile.value, value)
      setText(tile.remark, remark)
    }
    this.#tiles.get('Connections saved')!.tile.classList.toggle('good', totals.saved > 0)
    this.#tiles.get('Failures')!.tile.classList.toggle('bad', totals.failed > 0)
  }

  #tileOf(name: string): { tile: HTMLElement; value: HTMLElement; remark: HTMLElement } {
    let found = this.#tiles.get(name)
    if (found === undefined) {
      const value = make('span', 'value')
      const remark = make('span', 'remark')
      const tile = make('div', 'tile', '', make('dt', '', name), make('dd', '', '', value, remark))
      found = { tile, value, remark }
      this.#tiles.set(name, found)
      this.element.append(tile)
    }
    return found
  }
}
