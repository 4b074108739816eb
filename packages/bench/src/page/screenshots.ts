/**
 * `npm run page:screenshots -- <folder>`: pictures of the page in a folder, of the demo's recording and of 2,000 requests. With
 * `--readme` it also writes those of the README to docs/images.
 */

import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { sampleHar } from '@unshard/testkit'
import type { Browser, Page } from 'playwright-core'
import { waterfallPage } from 'unshard/inspect'
import { demoFiles } from '../demo/waterfall.js'
import { startChromium } from './chromium.js'

/** Maximum size of a picture of the README, in bytes. */
const MAX_README_BYTES = 150_000

/** One picture. */
interface Shot {
  readonly name: string
  readonly file: string
  readonly width: number
  readonly height: number
  readonly theme?: 'light' | 'dark'
  readonly media?: 'print'
  /** Brings the page into the state to show. */
  readonly before?: (page: Page) => Promise<void>
}

const openFirst =
  (text: string) =>
  async (page: Page): Promise<void> => {
    await page.locator('.row', { hasText: text }).first().click()
  }

function shotsOf(demo: string, large: string): Shot[] {
  return [
    { name: 'light', file: demo, width: 1280, height: 860 },
    { name: 'dark', file: demo, width: 1280, height: 860, theme: 'dark' },
    { name: '12-hosts-on-1-connection', file: demo, width: 1440, height: 1100 },
    { name: 'details', file: demo, width: 1440, height: 900, before: openFirst('shard2.demo.example') },
    { name: 'tip', file: demo, width: 1280, height: 700, before: (page) => page.locator('.row').nth(6).hover() },
    { name: '2000-rows', file: large, width: 1440, height: 1000 },
    { name: '2000-rows-by-duration', file: large, width: 1440, height: 1000, theme: 'dark', before: byDuration },
    { name: 'print', file: demo, width: 1040, height: 735, theme: 'dark', media: 'print' },
    { name: 'readme-light', file: demo, width: 1200, height: 640 },
    { name: 'readme-dark', file: demo, width: 1200, height: 640, theme: 'dark' },
    { name: 'phone', file: demo, width: 390, height: 844 },
    { name: 'phone-dark-details', file: demo, width: 390, height: 844, theme: 'dark', before: openFirst('shard2.demo.example') },
  ]
}

async function byDuration(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Group by connection' }).click()
  await page.getByRole('button', { name: 'Duration' }).click()
}

async function take(browser: Browser, { file, width, height, theme = 'light', media, before }: Shot): Promise<Buffer> {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme })
  const page = await context.newPage()
  await page.goto(pathToFileURL(file).href)
  await page.emulateMedia({ media: media ?? null })
  await before?.(page)
  const picture = await page.screenshot({ animations: 'disabled' })
  await context.close()
  return picture
}

/** Runs the demo, which writes its page. */
function demoPage(): string {
  execFileSync(process.execPath, [fileURLToPath(new URL('../demo/main.js', import.meta.url)), '--json'], { stdio: 'ignore' })
  return demoFiles().page
}

const [folder, readme] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: npm run page:screenshots -- <folder> [--readme]')
mkdirSync(folder, { recursive: true })
const large = join(folder, '2000-rows.html')
writeFileSync(large, waterfallPage(sampleHar(2000), { title: '2,000 requests' }))
const demo = demoPage()
const browser = await startChromium()
for (const shot of shotsOf(demo, large)) {
  const path = join(folder, `${shot.name}.png`)
  writeFileSync(path, await take(browser, shot))
  console.log(`${path}: ${statSync(path).size} bytes`)
}
await browser.close()
if (readme === '--readme') {
  const images = fileURLToPath(new URL('../../../../docs/images/', import.meta.url))
  mkdirSync(images, { recursive: true })
  for (const theme of ['light', 'dark']) {
    const bytes = readFileSync(join(folder, `readme-${theme}.png`))
    if (bytes.length > MAX_README_BYTES)
      throw new Error(`readme-${theme}.png has ${bytes.length} bytes, more than ${MAX_README_BYTES}`)
    writeFileSync(join(images, `waterfall-${theme}.png`), bytes)
  }
}
