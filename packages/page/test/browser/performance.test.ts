/** The speed of 2,000 rows. The limits are wide, because the tests of a machine share it; the figures are printed. */

import { sampleHar } from '@unshard/testkit'
import { browserFixture, describeBrowser, shownPaths } from './fixture.js'

/** Runs a change in the page, and returns the time until the frame with its result has been painted. */
const TIMED = `globalThis.timed = (change) => new Promise((resolve) => {
  requestAnimationFrame(() => {
    const before = performance.now()
    change()
    const after = performance.now()
    const { port1, port2 } = new MessageChannel()
    requestAnimationFrame(() => {
      port1.onmessage = () => resolve({ script: after - before, painted: performance.now() - before })
      port2.postMessage(0)
    })
  })
})`

interface Time {
  readonly script: number
  readonly painted: number
}

describeBrowser('2,000 rows', () => {
  const browser = browserFixture()

  it('are painted in less than a second, and sorted and filtered in less than 100 ms', async () => {
    const { page, problems } = await browser.open(sampleHar(2_000))
    const paint = await page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          new PerformanceObserver((list) => {
            for (const { name, startTime } of list.getEntries()) if (name === 'first-contentful-paint') resolve(startTime)
          }).observe({ type: 'paint', buffered: true })
        }),
    )
    expect(await shownPaths(page)).toHaveLength(2_000)
    await page.evaluate(TIMED)
    const click = (name: string) =>
      page.evaluate(
        `timed(() => [...document.querySelectorAll('button')].find((each) => each.textContent === '${name}').click())`,
      )
    const filter = (text: string) =>
      page.evaluate(
        `timed(() => { const box = document.querySelector('.filter'); box.value = '${text}'; box.dispatchEvent(new Event('input')) })`,
      )
    const times: Record<string, Time> = {}
    for (const name of ['Duration', 'Host', 'Size', 'Group by connection', 'Status', 'Start'])
      times[`sort: ${name}`] = (await click(name)) as Time
    for (const text of ['status:404', 'api', 'images post', '']) times[`filter: ${text}`] = (await filter(text)) as Time
    const shown = Object.entries(times).map(([name, { script, painted }]) => `${name} ${script.toFixed(0)}/${painted.toFixed(0)}`)
    console.info(`2,000 rows: first contentful paint ${paint.toFixed(0)} ms; script/painted in ms: ${shown.join(', ')}`)
    expect(paint).toBeLessThan(3_000)
    for (const { script } of Object.values(times)) expect(script).toBeLessThan(400)
    expect(problems).toEqual([])
  }, 60_000)
})
