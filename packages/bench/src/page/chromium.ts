/** Headless Chromium of the system, as Debian's package `chromium` installs it. */

import { accessSync, constants } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Starts the browser. Root has no sandbox. @param args further flags. */
export function startChromium(...args: string[]): Promise<Browser> {
  const path = PATHS.find((each) => {
    try {
      accessSync(each, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
  if (path === undefined) throw new Error(`Chromium is not installed: looked for ${PATHS.join(', ')}`)
  const flags = process.getuid?.() === 0 ? ['--no-sandbox', ...args] : args
  return chromium.launch({ executablePath: path, args: flags })
}
