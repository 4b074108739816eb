import { drawCharts } from '../src/plot.js'

const chart = (values: readonly number[]) => ({
  title: 'rates & <costs>',
  bars: values.map((value, index) => ({ label: index === 0 ? 'unshard fetch' : `"peer" ${index}`, value })),
})

describe('drawCharts', () => {
  test('bars are proportional to their values, and the largest fills the width', () => {
    const svg = drawCharts([chart([1000, 500, 0.1])])
    const widths = [...svg.matchAll(/<rect class="(\w+)" .*? width="(\d+)"/g)].map(([, kind, width]) => [kind, Number(width)])
    expect(widths).toEqual([
      ['ours', 400],
      ['theirs', 200],
      ['theirs', 1],
    ])
    expect(svg).toContain('>1,000<')
  })

  test('an unknown value has no bar, and empty input is not an error', () => {
    expect(drawCharts([chart([Number.NaN])])).toMatch(/ width="0" .*>-</)
    expect(drawCharts([])).toContain('<svg')
    expect(drawCharts([chart([0, 0])])).not.toContain('NaN')
  })

  test('names are escaped, and the chart is readable on dark pages', () => {
    const svg = drawCharts([chart([1, 2])])
    expect(svg).toContain('rates &amp; &lt;costs&gt;')
    expect(svg).toContain('&quot;peer&quot; 1')
    expect(svg).toContain('prefers-color-scheme:dark')
  })

  test('charts are stacked, and the total height is that of all of them', () => {
    const [one, two] = [drawCharts([chart([1])]), drawCharts([chart([1]), chart([2])])]
    const height = (svg: string) => Number(/height="(\d+)"/.exec(svg)![1])
    expect(height(two)).toBe(2 * height(one))
  })
})
