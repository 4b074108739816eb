/**
 * Bundles the page into two strings: `dist/index.js` exports the script and the style sheet. They are
 * inlined into the published files, which do not depend on this package.
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const folder = fileURLToPath(new URL('.', import.meta.url))
const output = `${folder}dist/index.js`

/** Returns the text of a bundle. @param entryPoint a script or a style sheet. */
async function bundle(entryPoint) {
  const { outputFiles } = await build({
    entryPoints: [`${folder}src/${entryPoint}`],
    bundle: true,
    write: false,
    minify: true,
    charset: 'ascii',
    format: 'iife',
    target: ['chrome123', 'firefox120', 'safari17.5'],
    legalComments: 'none',
    logLevel: 'warning',
  })
  return outputFiles[0].text.trim()
}

const [script, style] = await Promise.all([bundle('main.ts'), bundle('style.css')])
for (const text of [script, style]) {
  if (/<\/(?:script|style)|<!--|\r/i.test(text)) throw new Error('the page contains text that would end its element')
}
const source = `export const SCRIPT = ${JSON.stringify(script)}\nexport const STYLE = ${JSON.stringify(style)}\n`
// An unchanged file keeps its time, by which packages/unshard/bundle.mjs knows that its bundles are up to date.
if ((await readFile(output, 'utf8').catch(() => '')) !== source) {
  await mkdir(`${folder}dist`, { recursive: true })
  await writeFile(output, source)
}
