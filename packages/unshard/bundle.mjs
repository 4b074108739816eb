/**
 * Bundles the published packages into as few files as possible: one file per package for its main
 * entry point, others for the remaining entry points and for code that is loaded later. Node takes
 * 70 ms to find and load 170 small modules, and 20 ms for the bundles. The modules stay beside the
 * bundles, to be read or measured one by one.
 */

import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire, isBuiltin } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** Packages whose entry points share modules. */
const TOGETHER = new Set(['core', 'adapters'])
/** Loaded on demand, and importing modules that the main entry point contains as well. */
const LATER = [/h1\/connection\.js$/, /multipart\/multipart\.js$/]

/**
 * Inlines llhttp's WebAssembly from the undici package: the published files do not need undici, and
 * any bundler can bundle them again.
 */
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
 * Wraps tldts in a function that runs on first use: building its list takes longer than loading all
 * of our code. The published files do not need tldts.
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
    // Number lists become strings, which Node skips until they are needed instead of parsing them.
    onLoad({ filter: /tldts\/dist\/cjs\/.*\.js$/ }, async ({ path }) => {
      const lists = /new (Uint\d+Array)\(\[([\d, ]+)\]\)/g
      const asString = (_, type, numbers) => `new ${type}('${numbers.replaceAll(' ', '')}'.split(','))`
      return { contents: (await readFile(path, 'utf8')).replaceAll(lists, asString) }
    })
  },
}

/**
 * Inlines the parts of ws that read and write frames, without its client and server. They are CommonJS: what they require of Node becomes
 * an import. A runtime that replaces the package ws, such as Bun, runs the same code.
 */
const inlineFrames = {
  name: 'inline frames of ws',
  setup({ onResolve, onLoad, initialOptions }) {
    onResolve({ filter: /^ws$/ }, () => ({ path: 'ws', namespace: 'frames' }))
    onLoad({ filter: /^ws$/, namespace: 'frames' }, () => {
      const entry = createRequire(join(initialOptions.absWorkingDir, 'package.json')).resolve('ws')
      const parts = { PerMessageDeflate: 'permessage-deflate', Receiver: 'receiver', Sender: 'sender', extension: 'extension' }
      const lines = Object.entries(parts).map(([name, file]) => `export { default as ${name} } from './${file}.js'`)
      return { contents: lines.join('\n'), resolveDir: join(dirname(entry), 'lib') }
    })
    requireWhenNeeded(onResolve, onLoad)
    // Optional native code, which is not used.
    onResolve({ filter: /^(?:bufferutil|utf-8-validate)$/ }, ({ path }) => ({ path, namespace: 'absent' }))
    onLoad({ filter: /.*/, namespace: 'absent' }, () => ({ contents: 'throw new Error("not installed")' }))
  },
}

/** Libraries of the command. Programs that import `unshard` do not load them. */
const COMMAND_LIBRARIES = /^(?:commander|picocolors|cli-progress)$/

/**
 * Inlines the libraries of the command: the published files do not need them. They are CommonJS: what
 * they require of Node is taken when it is needed.
 */
const inlineCommandLibraries = {
  name: 'inline the libraries of the command',
  setup({ onResolve, onLoad, initialOptions }) {
    const { resolve } = createRequire(join(initialOptions.absWorkingDir, 'package.json'))
    onResolve({ filter: COMMAND_LIBRARIES }, ({ path }) => ({ path: resolve(path) }))
    requireWhenNeeded(onResolve, onLoad)
    onResolve({ filter: /^[^.]/ }, ({ path, importer, kind }) =>
      kind === 'require-call' && !isBuiltin(path) && importer.includes('node_modules')
        ? { path: createRequire(importer).resolve(path) }
        : undefined,
    )
  },
}

/**
 * Lets inlined CommonJS take a module of Node as it is. An import has only its enumerable members: on
 * Node 20 and 22 it lacks constants of zlib, such as `Z_SYNC_FLUSH`.
 */
function requireWhenNeeded(onResolve, onLoad) {
  onResolve({ filter: /^[a-z_:/]+$/ }, ({ path, importer, kind }) =>
    kind === 'require-call' && isBuiltin(path) && importer.includes('node_modules') ? { path, namespace: 'required' } : undefined,
  )
  onLoad({ filter: /.*/, namespace: 'required' }, ({ path }) => ({
    contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path.replace(/^(?:node:)?/, 'node:'))})`,
  }))
}

/** Inlines the page, which is a private package: two strings. */
const inlinePage = {
  name: 'inline page',
  setup({ onResolve }) {
    onResolve({ filter: /^@unshard\/page$/ }, () => ({ path: PAGE }))
  },
}

const packages = dirname(dirname(fileURLToPath(import.meta.url)))
/** Made by packages/page/bundle.mjs. */
const PAGE = join(packages, 'page/dist/index.js')

for (const name of ['core', 'coalescing', 'adapters', 'unshard']) {
  const folder = join(packages, name)
  const { exports, bin = {} } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const published = [...Object.values(exports).map((each) => each.default), ...Object.values(bin)].filter(Boolean)
  const outdir = join(folder, 'dist/bundle')
  // Do not replace an up-to-date bundle: a running program may be loading it.
  if (await isUpToDate(folder, join(outdir, 'index.js'))) continue
  await rm(outdir, { recursive: true, force: true })
  await build({
    absWorkingDir: folder,
    entryPoints: published.map((path) => path.replace('dist/bundle/', 'dist/')),
    outbase: 'dist',
    outdir,
    bundle: true,
    // Code shared by entry points must exist once: two copies would be two pools.
    splitting: true,
    plugins: TOGETHER.has(name)
      ? [inlineWasm, inlineFrames, inlinePage, togetherWith(join(folder, 'dist/index.js'))]
      : [lazyTldts, inlineCommandLibraries],
    // Keep imports for side effects even of modules that are declared free of them.
    ignoreAnnotations: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    logLevel: 'warning',
  })
  await dropBareImports(outdir)
}

/** Whether no input of a bundle is newer than the bundle. */
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
  const inputs = [
    ...sources,
    join(folder, 'package.json'),
    fileURLToPath(import.meta.url),
    join(packages, '../pnpm-lock.yaml'),
    PAGE,
  ]
  return Math.max(...(await Promise.all(inputs.map(timeOf)))) < (await timeOf(bundle))
}

/**
 * Removes imports of chunks without names. esbuild keeps them for the order of evaluation, which our
 * modules do not depend on; other bundlers warn about them.
 */
async function dropBareImports(folder) {
  for (const name of await readdir(folder, { recursive: true })) {
    if (!name.endsWith('.js')) continue
    const source = await readFile(join(folder, name), 'utf8')
    const without = source.replaceAll(/^import "\.{1,2}\/chunk-\w+\.js";\n/gm, '')
    if (without !== source) await writeFile(join(folder, name), without)
  }
}

/**
 * esbuild creates a chunk for each set of entry points that share modules. All entry points import
 * the main one here, so that its modules form a single chunk: Node takes a millisecond or two to
 * find, read and link each file.
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
