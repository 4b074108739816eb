/** A headless Chromium for the tests of the page, if one is installed, and pages that load nothing. */

import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { waterfallPage } from '@unshard/adapters/inspect'
import { type Browser, chromium, type Page } from 'playwright-core'

// A browser starts in seconds on a busy machine.
import.meta.jest.setTimeout(60_000)

const CHROMIUM = '/usr/bin/chromium'

/** Whether the browser is installed: Debian's package `chromium`. */
export const hasChromium = ((): boolean => {
  try {
    accessSync(CHROMIUM, constants.X_OK)
    return true
  } catch {
    return false
  }
})()

/** Defines tests that need the browser. Without it, one skipped test says why. */
export function describeBrowser(name: string, define: () => void): void {
  if (hasChromium) return describe(name, define)
  console.warn(`${name}: not tested here, because ${CHROMIUM} is not installed`)
  describe(name, () => it.skip(`${CHROMIUM} is not installed: nothing is tested here`, () => undefined))
}

/** What a page reported. */
export interface Reports {
  /** Errors and warnings of the console, and errors that were not caught. */
  readonly problems: string[]
  /** URLs that were requested, without that of the page. */
  readonly requests: string[]
}

/** A page and its reports. */
export type OpenPage = { readonly page: Page } & Reports

/** Settings of a window. */
export interface WindowSettings {
  readonly colorScheme?: 'light' | 'dark'
  readonly viewport?: { readonly width: number; readonly height: number }
}

/** Call once, at the top level of a test file. */
export function browserFixture(): {
  /** Opens a recording as a file. */
  open(har: { readonly log: object }, settings?: WindowSettings): Promise<OpenPage>
  /** Opens a URL. */
  visit(url: string, settings?: WindowSettings): Promise<OpenPage>
} {
  let browser: Browser
  let folder: string
  let pages = 0
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'unshard-page-'))
    browser = await chromium.launch({ executablePath: CHROMIUM, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] })
  }, 60_000)
  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())))
  afterAll(async () => {
    await browser.close()
    await rm(folder, { recursive: true })
  })
  const visit = async (url: string, settings: WindowSettings = {}): Promise<OpenPage> => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...settings })
    const page = await context.newPage()
    const problems: string[] = []
    const requests: string[] = []
    page.on('console', (message) => void (message.type() !== 'log' && problems.push(message.text())))
    page.on('pageerror', (error) => problems.push(String(error)))
    page.on('request', (request) => void (request.url() !== url && requests.push(request.url())))
    await page.goto(url)
    return { page, problems, requests }
  }
  return {
    visit,
    async open(har, settings) {
      const file = join(folder, `${++pages}.html`)
      await writeFile(file, waterfallPage(har, { title: 'Test' }))
      return visit(pathToFileURL(file).href, settings)
    },
  }
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string
    readonly impact: string
    readonly nodes: readonly { readonly html: string }[]
  }[]
}

/** The findings of axe on a page, of any impact: `impact id: element`. */
export async function findingsOf(page: Page): Promise<string[]> {
  const { source } = createRequire(import.meta.url)('axe-core') as { source: string }
  await page.evaluate(source)
  const { violations } = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as AxeResult
  return violations.flatMap(({ id, impact, nodes }) =>
    nodes.slice(0, 3).map(({ html }) => `${impact} ${id}: ${html.slice(0, 200)}`),
  )
}

/** The paths of the rows that are shown, from top to bottom. */
export async function shownPaths(page: Page): Promise<string[]> {
  // Rows out of sight are drawn after those in sight.
  await page.locator('.grid:not([aria-busy="true"])').waitFor({ state: 'attached' })
  return page.locator('.row .path').allTextContents()
}
