/** The live page in headless Chromium, while requests happen. */

import { type Inspection, inspect } from '@unshard/adapters/inspect'
import { mockClient } from '@unshard/core/testing'
import { browserFixture, describeBrowser, findingsOf } from './fixture.js'

describeBrowser('the live page', () => {
  const browser = browserFixture()
  const answers: ((answer: object) => void)[] = []
  const { client } = mockClient((request) => {
    if (!request.url.includes('slow')) return { body: 'hello' }
    return new Promise<object>((resolve) => answers.push(resolve))
  })
  const get = async (path: string): Promise<void> => void (await (await client.get(`https://a.example${path}`)).text())
  let inspection: Inspection
  beforeEach(async () => {
    inspection = await inspect(client, { maxEntries: 5 })
  })
  afterEach(() => inspection.close())

  it('shows requests when they start, and completes them in place', async () => {
    const { page, problems, requests } = await browser.visit(inspection.url)
    await page.getByText('Live', { exact: true }).waitFor()
    const slow = get('/slow')
    const row = page.locator('.row', { hasText: '/slow' })
    await row.waitFor()
    expect(await row.locator('.status').textContent()).toBe('pending')
    await row.evaluate((element) => element.setAttribute('id', 'same'))
    answers.shift()!({ body: 'hello' })
    await slow
    await page.locator('#same', { hasText: '200' }).waitFor()
    expect(await page.locator('.tile', { hasText: 'Requests' }).textContent()).toContain('1')
    expect(problems).toEqual([])
    expect(requests.filter((url) => !url.startsWith('data:'))).toEqual([`${inspection.url}events`])
    expect(await findingsOf(page)).toEqual([])
  })

  it('keeps the filter and the order for new rows, and the last rows alone', async () => {
    const { page } = await browser.visit(inspection.url)
    await page.getByText('Live', { exact: true }).waitFor()
    await page.getByRole('searchbox').fill('even')
    await page.getByRole('button', { name: 'Start', exact: true }).click()
    for (let i = 1; i <= 12; i++) await get(`/${i % 2 === 0 ? 'even' : 'odd'}/${i}`)
    await page.getByText('7 older requests are no longer shown.').waitFor()
    await page.locator('.row', { hasText: '/even/12' }).waitFor()
    expect(await page.locator('.row .path').allTextContents()).toEqual(['/even/12', '/even/10', '/even/8'])
    expect(await page.locator('.toolbar .count').textContent()).toBe('3 of 5 rows')
  })

  it('can be paused, and catches up', async () => {
    const { page, problems } = await browser.visit(inspection.url)
    await page.getByText('Live', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByText('Paused').waitFor()
    await get('/missed')
    expect(await page.locator('.row').count()).toBe(0)
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.locator('.row', { hasText: '/missed' }).waitFor()
    // A second time, with rows that the snapshot replaces.
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByText('Paused').waitFor()
    await get('/again')
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.locator('.row', { hasText: '/again' }).waitFor()
    expect(await page.locator('.row .path').allTextContents()).toEqual(['/missed', '/again'])
    expect(problems).toEqual([])
  })

  it('says that the inspection has ended', async () => {
    const { page } = await browser.visit(inspection.url)
    await page.getByText('Live', { exact: true }).waitFor()
    await inspection.close()
    await page.getByText('The program has ended the inspection').waitFor()
    expect(await page.getByRole('button', { name: 'Pause' }).isVisible()).toBe(false)
  })
})
