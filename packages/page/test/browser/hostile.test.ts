/** A recording whose every text is hostile. */

import { browserFixture, describeBrowser, findingsOf } from './fixture.js'

const MARKUP = `</script><script>globalThis.broken = 1</script><img src=x onerror="globalThis.broken=2">'"\`<!--`
const CONTROLS = 'a\u0000b\u001b[31mc\u202egnp.exe\u2066d\u200be\u2028f\r\ng\u007f'
const HOSTILE = `${MARKUP}${CONTROLS}javascript:alert(1)\${globalThis.broken=3}{{7*7}}`

const hostileEntry = {
  startedDateTime: HOSTILE,
  time: 5,
  timings: { wait: 5 },
  request: { method: HOSTILE, url: `https://${HOSTILE}/${HOSTILE}`, headers: [{ name: HOSTILE, value: HOSTILE }] },
  response: { status: 200, statusText: HOSTILE, headers: [{ name: HOSTILE, value: HOSTILE }], content: { mimeType: HOSTILE } },
  ...{
    connection: HOSTILE,
    serverIPAddress: HOSTILE,
    _protocol: HOSTILE,
    _because: HOSTILE,
    _priority: HOSTILE,
    _error: HOSTILE,
  },
}
const har = {
  log: {
    creator: { name: HOSTILE, version: HOSTILE },
    comment: HOSTILE,
    pages: [{ title: HOSTILE }],
    entries: [hostileEntry, { ...hostileEntry, _because: '__proto__' }, { ...hostileEntry, _because: 'constructor' }],
  },
}

describeBrowser('a hostile recording', () => {
  const browser = browserFixture()

  it('is shown as text: nothing runs, nothing is loaded, and nothing is invisible', async () => {
    const { page, problems, requests } = await browser.open(har)
    await page.locator('.row').first().hover()
    await page.locator('.row').first().click()
    const text = await page.evaluate(() => document.querySelector('main')!.textContent)
    expect(text).toContain('</script><script>globalThis.broken = 1</script>')
    expect(text).toContain('a\\u{0}b\\u{1b}[31mc\\u{202e}gnp.exe\\u{2066}d\\u{200b}e\\u{2028}f\\u{d}\\u{a}g\\u{7f}')
    expect(text).not.toMatch(/[\0\x1b\x7f\u202e\u2066\u200b\u2028]/)
    expect(await page.evaluate(() => (globalThis as { broken?: number }).broken)).toBe(undefined)
    expect(await page.locator('img, script[src], iframe, a').count()).toBe(0)
    expect(await page.locator('script').count()).toBe(2)
    expect(problems).toEqual([])
    expect(requests.filter((url) => !url.startsWith('data:'))).toEqual([])
    expect(await findingsOf(page)).toEqual([])
  })

  it('a script or a style that the page did not bring is refused by its policy', async () => {
    const { page, problems } = await browser.open(har)
    await page.evaluate(() => {
      const style = document.createElement('style')
      style.textContent = 'body { color: red }'
      document.body.append(style)
      const image = new Image()
      image.src = 'http://127.0.0.1:9/'
      document.body.append(image)
    })
    const html = await page.evaluate(() => {
      try {
        document.body.innerHTML = '<b>'
        return 'set'
      } catch (error) {
        return (error as Error).name
      }
    })
    expect(html).toBe('TypeError')
    expect(problems.filter((text) => text.includes('Content Security Policy')).length).toBeGreaterThanOrEqual(2)
  })
})
