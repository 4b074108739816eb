/**
 * Puts what is published into as few files as can be: of each package all that its main entry point needs into one, beside it the other
 * entry points and what is loaded later. A hundred and seventy small modules take Node 70 ms to find and load, these take 20. The modules
 * themselves stay beside them, for whoever reads or measures them one by one.
 */

import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** Packages whose entry points share modules. */
const TOGETHER = new Set(['core', 'adapters'])
/** Loaded on demand, and standing on modules that the main entry point has as well. */
const LATER = [/h1\/connection\.js$/, /multipart\/multipart\.js$/]

/** llhttp's WebAssembly from undici's package, as a literal: what is published needs no undici, and any bundler can bundle it again. */
const inlineWasm = {
  name: 'inline WebAssembly',
  setup({ onResolve, onLoad, initialOptions }) {
    onResolve({ filter: /^undici\/lib\/llhttp\// }, ({ path }) => ({ path, namespace: 'wasm' }))
    onLoad({ filter: /.*/, namespace: 'wasm' }, ({ path }) => {
      const bytes = createRequire(join(initialOptions.absWorkingDir, 'package.json'))(path).toString('base64')
      return { contents: `import { Buffer } from 'node:buffer'\nexport default Buffer.from('${bytes}', 'base64')\n` }
    })
  },
}

/**
 * tldts, in a function that its first call runs: to set up its list takes longer than to load all of ours. What is published needs no tldts.
 */
const lazyTldts = {
  name: 'lazy tldts',
  setup({ onResolve, onLoad, initialOptions }) {
    onResolve({ filter: /^tldts$/ }, ({ path }) => ({ path, namespace: 'lazy' }))
    onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path }) => {
      const resolved = createRequire(join(initialOptions.absWorkingDir, 'package.json')).resolve(path)
      const contents = `let tldts
        export function getPublicSuffix(name, options) {
          tldts ??= require(${JSON.stringify(resolved)})
          return tldts.getPublicSuffix(name, options)
        }`
      return { contents, resolveDir: initialOptions.absWorkingDir }
    })
    // Lists of numbers as strings: until they are needed they are passed over at once, and not parsed.
    onLoad({ filter: /tldts\/dist\/cjs\/.*\.js$/ }, async ({ path }) => {
      const lists = /new (Uint\d+Array)\(\[([\d, ]+)\]\)/g
      const asString = (_, type, numbers) => `new ${type}('${numbers.replaceAll(' ', '')}'.split(','))`
      return { contents: (await readFile(path, 'utf8')).replaceAll(lists, asString) }
    })
  },
}

const packages = dirname(dirname(fileURLToPath(import.meta.url)))

for (const name of ['core', 'coalescing', 'adapters', 'unshard']) {
  const folder = join(packages, name)
  const { exports, bin = {} } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const published = [...Object.values(exports).map((each) => each.default), ...Object.values(bin)].filter(Boolean)
  const outdir = join(folder, 'dist/bundle')
  // Left as it is: a program that runs may be loading it.
  if (await isUpToDate(folder, join(outdir, 'index.js'))) continue
  await rm(outdir, { recursive: true, force: true })
  await build({
    absWorkingDir: folder,
    entryPoints: published.map((path) => path.replace('dist/bundle/', 'dist/')),
    outbase: 'dist',
    outdir,
    bundle: true,
    // What entry points share is there once: two copies would be two pools.
    splitting: true,
    plugins: TOGETHER.has(name) ? [inlineWasm, togetherWith(join(folder, 'dist/index.js'))] : [lazyTldts],
    // Modules without side effects are not left out of an import for their side effects.
    ignoreAnnotations: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    logLevel: 'warning',
  })
  await dropBareImports(outdir)
}

/** Whether nothing that a bundle is made of is newer. */
async function isUpToDate(folder, bundle) {
  const timeOf = (path) =>
    stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => Number.NEGATIVE_INFINITY,
    )
  const modules = await readdir(join(folder, 'dist'), { recursive: true })
  const sources = modules
    .filter((name) => name.endsWith('.js') && !name.startsWith('bundle'))
    .map((name) => join(folder, 'dist', name))
  const inputs = [...sources, join(folder, 'package.json'), fileURLToPath(import.meta.url), join(packages, '../pnpm-lock.yaml')]
  return Math.max(...(await Promise.all(inputs.map(timeOf)))) < (await timeOf(bundle))
}

/** Imports of a chunk without a name of it: esbuild leaves them for the order of evaluation, which matters to none of ours. Other bundlers warn of them. */
async function dropBareImports(folder) {
  for (const name of await readdir(folder, { recursive: true })) {
    if (!name.endsWith('.js')) continue
    const source = await readFile(join(folder, name), 'utf8')
    const without = source.replaceAll(/^import "\.{1,2}\/chunk-\w+\.js";\n/gm, '')
    if (without !== source) await writeFile(join(folder, name), without)
  }
}

/**
 * esbuild makes a chunk for each set of entry points that share some modules. All of them import the main one here, so that its modules
 * are all in one such set, and in one chunk: each file takes Node a millisecond or two to find, read and link.
 */
function togetherWith(main) {
  return {
    name: 'together with the main entry point',
    setup({ onLoad, initialOptions }) {
      const entryPoints = initialOptions.entryPoints.map((path) => join(initialOptions.absWorkingDir, path))
      onLoad({ filter: /\/dist\/.*\.js$/ }, async ({ path }) => {
        if (path === main || !(entryPoints.includes(path) || LATER.some((each) => each.test(path)))) return undefined
        return { contents: `${await readFile(path, 'utf8')}\nimport ${JSON.stringify(main)}\n` }
      })
    },
  }
}
