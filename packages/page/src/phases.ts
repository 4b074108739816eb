/** The phases of a request, in the order of `PageEntry.phases`. */

/** A phase. `height` is its part of the bar, so that phases differ without color. */
export interface Phase {
  readonly name: string
  readonly meaning: string
  readonly height: number
}

export const PHASES: readonly Phase[] = [
  { name: 'blocked', meaning: 'waits for a connection or for a place in the queue', height: 25 },
  { name: 'dns', meaning: 'resolves the host', height: 50 },
  { name: 'connect', meaning: 'connects to the address', height: 50 },
  { name: 'tls', meaning: 'performs the TLS handshake', height: 50 },
  { name: 'send', meaning: 'sends the request', height: 75 },
  { name: 'wait', meaning: 'waits for the response', height: 75 },
  { name: 'receive', meaning: 'receives the content', height: 100 },
]

/** Index of `connect` and `tls`: an entry with one of them opened a connection. */
export const CONNECT = 2
export const TLS = 3

/** The background of a bar: a layer for each phase, with the colors of the style sheet. */
export function barBackground(phases: readonly number[]): string {
  const total = phases.reduce((sum, ms) => sum + Math.max(0, ms), 0)
  const layers: string[] = []
  let before = 0
  for (const [i, { name, height }] of PHASES.entries()) {
    const ms = Math.max(0, phases[i] ?? 0)
    if (ms === 0) continue
    const width = ms / total
    // A position in percent is relative to the space that the layer leaves free.
    const left = width === 1 ? 0 : (before / total / (1 - width)) * 100
    const color = `var(--phase-${name})`
    layers.push(`linear-gradient(${color},${color}) ${left.toFixed(2)}% 50% / ${(width * 100).toFixed(2)}% ${height}% no-repeat`)
    before += ms
  }
  return layers.length === 0 ? 'var(--phase-unknown)' : layers.join(',')
}
