/**
 * Draws bars as SVG text: no library, no DOM (decision 28). Readable on light and dark pages. Pure.
 */

export interface Bar {
  readonly label: string
  /** NaN if there is no figure: then there is no bar either. */
  readonly value: number
}

/** A group of bars on one scale. */
export interface Chart {
  /** The measured quantity, its unit, and which direction is better. */
  readonly title: string
  readonly bars: readonly Bar[]
}

const WIDTH = 720
const LABEL_WIDTH = 230
const VALUE_WIDTH = 90
const ROW = 22
const BAR = 14
const HEAD = 34
const GAP = 14

/** Colors with contrast on both white and black; text follows the reader's preference. */
const STYLE = `text{font:13px system-ui,sans-serif;fill:#24292f}.title{font-weight:600}.ours{fill:#1f883d}.theirs{fill:#8c959f}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.ours{fill:#3fb950}.theirs{fill:#6e7681}}`

/**
 * Draws charts one below the other. Bars whose label begins with `unshard` have a different color.
 */
export function drawCharts(charts: readonly Chart[]): string {
  let y = 0
  const drawn = charts.map((chart) => {
    const text = drawChart(chart, y)
    y += HEAD + chart.bars.length * ROW + GAP
    return text
  })
  const described = escapeXml(charts.map(({ title }) => title).join('; '))
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="${described}">
<style>${STYLE}</style>
${drawn.join('\n')}
</svg>
`
}

function drawChart({ title, bars }: Chart, top: number): string {
  const largest = Math.max(0, ...bars.map(({ value }) => value).filter(Number.isFinite))
  const room = WIDTH - LABEL_WIDTH - VALUE_WIDTH
  const rows = bars.map(({ label, value }, index) => {
    const y = top + HEAD + index * ROW
    const known = Number.isFinite(value)
    const width = known && largest > 0 ? Math.max(1, Math.round((value / largest) * room)) : 0
    const baseline = y + BAR - 2
    return [
      `<text x="${LABEL_WIDTH - 8}" y="${baseline}" text-anchor="end">${escapeXml(label)}</text>`,
      `<rect class="${label.startsWith('unshard') ? 'ours' : 'theirs'}" x="${LABEL_WIDTH}" y="${y}" width="${width}" height="${BAR}"/>`,
      `<text x="${LABEL_WIDTH + width + 6}" y="${baseline}">${known ? figure(value) : '-'}</text>`,
    ].join('')
  })
  return [`<text class="title" x="0" y="${top + 20}">${escapeXml(title)}</text>`, ...rows].join('\n')
}

/** Formats a number with three significant digits and thousands separators. */
function figure(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value >= 100 ? 0 : value >= 10 ? 1 : 2 })
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
