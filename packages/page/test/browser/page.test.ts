/** The page of a recording in headless Chromium. */

import { sampleHar } from '@unshard/testkit'
import { browserFixture, describeBrowser, findingsOf, shownPaths } from './fixture.js'

/** An entry of HAR with the members that matter here. */
function entry(host: string, path: string, connection: string, changes: object = {}): object {
  return {
    startedDateTime: '2026-01-01T00:00:00.000Z',
    time: 10,
    timings: { blocked: 1, dns: -1, connect: -1, ssl: -1, send: 1, wait: 5, receive: 3 },
    request: { method: 'GET', url: `https://${host}${path}`, headers: [{ name: 'accept', value: '*/*' }], bodySize: 0 },
    response: { status: 200, statusText: 'OK', headers: [], bodySize: 100, content: { size: 100, mimeType: 'text/plain' } },
    ...{ connection, serverIPAddress: '192.0.2.1', _protocol: 'h2', _because: 'first-connection', ...changes },
  }
}

const har = (...entries: object[]) => ({ log: { entries } })
const at = (ms: number) => ({ startedDateTime: new Date(Date.UTC(2026, 0, 1) + ms).toISOString() })
const status = (code: number, bodySize: number) => ({ response: { status: code, headers: [], bodySize, content: {} } })

const few = har(
  entry('a.example', '/one', '1', {
    ...at(0),
    timings: { blocked: 1, dns: 2, connect: 9, ssl: 5, send: 1, wait: 5, receive: 3 },
  }),
  entry('b.example', '/two', '1', { ...at(5), _because: 'address-and-certificate', _coalesced: true, ...status(404, 5) }),
  entry('c.example', '/three', '2', {
    ...at(9),
    ...status(200, 900),
    time: 90,
    timings: { wait: 90 },
    _because: 'address-differs',
  }),
  entry('c.example', '/four', '', { ...at(12), ...status(0, -1), _error: 'ECONNREFUSED: refused', _replayed: true }),
)

describeBrowser('the page of a recording', () => {
  const browser = browserFixture()

  it('draws a row for each request, grouped by connection, loads nothing and reports no error', async () => {
    const { page, problems, requests } = await browser.open(few)
    expect(await shownPaths(page)).toEqual(['/one', '/two', '/three', '/four'])
    expect(await page.locator('.section .title').allTextContents()).toEqual([
      'Connection 1',
      'Connection 2',
      'Without a connection',
    ])
    expect(await page.locator('.section.shared .badge').allTextContents()).toEqual(['2 hosts on 1 connection'])
    expect(await page.locator('.section.shared .chip').allTextContents()).toEqual(['a.example1', 'b.example1'])
    const background = await page
      .locator('.bar')
      .first()
      .evaluate((bar) => getComputedStyle(bar).backgroundImage)
    expect(background.match(/linear-gradient/g)).toHaveLength(7)
    expect(problems).toEqual([])
    expect(requests.filter((url) => !url.startsWith('data:'))).toEqual([])
  })

  it('counts connections saved, handshakes and failures', async () => {
    const { page } = await browser.open(few)
    const tiles = await page
      .locator('.tile')
      .evaluateAll((all) => all.map((tile) => [tile.querySelector('dt')!.textContent, tile.querySelector('.value')!.textContent]))
    expect(Object.fromEntries(tiles as [string, string][])).toMatchObject({
      ...{ Requests: '4', Hosts: '3', Connections: '2', 'Connections saved': '1' },
      ...{ Handshakes: '1', Received: '1 kB', 'Total time': '99 ms', Failures: '1' },
    })
  })

  it('filters by words and by members, and says so if nothing matches', async () => {
    const { page } = await browser.open(few)
    const filter = page.getByRole('searchbox', { name: 'Filter requests' })
    await filter.fill('status:404')
    expect(await shownPaths(page)).toEqual(['/two'])
    await filter.fill('c.example refused')
    expect(await shownPaths(page)).toEqual(['/four'])
    await filter.fill('reason:address-differs')
    expect(await shownPaths(page)).toEqual(['/three'])
    expect(await page.locator('.count').textContent()).toBe('1 of 4 rows')
    await filter.fill('nothing of the kind')
    expect(await page.locator('.empty').textContent()).toBe('No request matches the filter.')
    await filter.fill('')
    expect(await shownPaths(page)).toHaveLength(4)
  })

  it('sorts by each column, and says in which order', async () => {
    const { page } = await browser.open(few)
    await page.getByRole('button', { name: 'Group by connection' }).click()
    const header = (name: string) => page.getByRole('columnheader', { name })
    const sorted = async (name: string): Promise<string> => {
      await page.getByRole('button', { name, exact: true }).click()
      return `${await header(name).getAttribute('aria-sort')}: ${(await shownPaths(page)).join(' ')}`
    }
    expect(await sorted('Duration')).toBe('descending: /three /one /two /four')
    expect(await sorted('Duration')).toBe('ascending: /two /four /one /three')
    expect(await sorted('Status')).toBe('descending: /two /one /three /four')
    expect(await sorted('Size')).toBe('descending: /three /one /two /four')
    expect(await sorted('Host')).toBe('ascending: /one /two /three /four')
    expect(await sorted('Start')).toBe('ascending: /one /two /three /four')
    expect(await sorted('Start')).toBe('descending: /four /three /two /one')
    expect(await header('Host').getAttribute('aria-sort')).toBe('none')
  })

  it('is used with the keyboard alone: filter, rows, details, and back', async () => {
    const { page, problems } = await browser.open(few)
    const focused = () =>
      page.evaluate(() => document.activeElement!.querySelector('.path')?.textContent ?? document.activeElement!.textContent)
    await page.keyboard.press('/')
    await page.keyboard.type('example')
    expect(await page.getByRole('searchbox').inputValue()).toBe('example')
    const stops: (string | null)[] = []
    for (let i = 0; i < 10 && stops.at(-1) !== '/one'; i++) {
      await page.keyboard.press('Tab')
      stops.push(await focused())
    }
    expect(stops).toEqual(['Group by connection', 'Align starts', 'Dark', 'Host', 'Status', 'Size', 'Duration', 'Start', '/one'])
    await page.keyboard.press('ArrowDown')
    expect(await focused()).toBe('/two')
    const tip = page.getByRole('tooltip')
    expect(await tip.textContent()).toContain(
      'Shares connection 1, which was opened for another host. The host leads to the address',
    )
    expect(await page.locator('.row:focus').getAttribute('aria-describedby')).toBe('tip')
    await page.keyboard.press('Escape')
    expect(await tip.isVisible()).toBe(false)
    await page.keyboard.press('End')
    expect(await focused()).toBe('/four')
    await page.keyboard.press('Home')
    await page.keyboard.press('PageDown')
    expect(await focused()).toBe('/four')
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog')
    expect(await dialog.textContent()).toContain(
      'Failed after 10 ms: ECONNREFUSED: refused. The client sent the request again by itself.',
    )
    expect(await focused()).toBe('GET https://c.example/four')
    await page.keyboard.press('Escape')
    await page.locator('.row:focus', { hasText: '/four' }).waitFor()
    expect(await dialog.isVisible()).toBe(false)
    expect(problems).toEqual([])
  })

  it('shows the verdict under the pointer, and the details of a row that is clicked', async () => {
    const { page } = await browser.open(few)
    const row = page.locator('.row', { hasText: '/three' })
    await row.hover()
    expect(await page.getByRole('tooltip').textContent()).toContain(
      'Connection 2. No open connection could be shared, because the host leads to another address.',
    )
    await row.click()
    const dialog = page.getByRole('dialog', { name: 'GET https://c.example/three' })
    expect(await dialog.locator('.fields').first().textContent()).toContain('accept')
    expect(await dialog.locator('.phases tr').allTextContents()).toEqual([expect.stringContaining('wait90 ms')])
    await dialog.getByRole('button', { name: 'Next' }).click()
    expect(await page.getByRole('dialog').textContent()).toContain('https://c.example/four')
    await page.getByRole('button', { name: 'Close' }).click()
    await page.locator('.row:focus', { hasText: '/four' }).waitFor()
  })

  it.each(['light', 'dark'] as const)('axe finds nothing in the %s theme, with a tip and with details', async (colorScheme) => {
    const { page } = await browser.open(few, { colorScheme })
    expect(await findingsOf(page)).toEqual([])
    await page.locator('.row').first().hover()
    expect(await findingsOf(page)).toEqual([])
    await page.locator('.row').first().click()
    expect(await findingsOf(page)).toEqual([])
  })

  it('axe finds nothing on a phone, where details cover the rows and get the focus', async () => {
    const { page } = await browser.open(few, { viewport: { width: 390, height: 844 } })
    expect(await findingsOf(page)).toEqual([])
    await page.locator('.row').first().click()
    expect(await findingsOf(page)).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
    expect(await page.evaluate(() => document.querySelector('dialog')!.matches(':modal'))).toBe(true)
  })

  it('the theme button overrides the theme of the system', async () => {
    const { page } = await browser.open(few, { colorScheme: 'light' })
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const light = await background()
    const button = page.getByRole('button', { name: 'Dark' })
    await button.click()
    expect([await button.getAttribute('aria-pressed'), (await background()) === light]).toEqual(['true', false])
    await button.click()
    expect(await background()).toBe(light)
  })

  it('prints all rows and no controls, in light colors', async () => {
    const { page } = await browser.open(sampleHar(200), { colorScheme: 'dark' })
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
    expect(await shownPaths(page)).toHaveLength(200)
    expect(await page.getByRole('button', { name: 'Group by connection' }).isVisible()).toBe(false)
    expect(await page.getByRole('searchbox').isVisible()).toBe(false)
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(255, 255, 255)')
    expect(
      await page
        .locator('.block')
        .last()
        .evaluate((block) => getComputedStyle(block).contentVisibility),
    ).toBe('visible')
  })

  it('bars can begin at the left edge, on an axis of the longest duration', async () => {
    const { page } = await browser.open(few)
    await page.getByRole('button', { name: 'Align starts' }).click()
    const lefts = await page.locator('.bar').evaluateAll((bars) => bars.map((bar) => getComputedStyle(bar).left))
    expect(new Set(lefts)).toEqual(new Set(['0px']))
  })
})
