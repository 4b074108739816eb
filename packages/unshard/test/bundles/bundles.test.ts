/**
 * A user's bundle of `unshard`, by each bundler, run in an empty folder: it shares connections and
 * speaks HTTP/1.1.
 */

import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import commonjs from '@rollup/plugin-commonjs'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import { nodeFileTrace } from '@vercel/nft'
import { build as esbuild } from 'esbuild'
import { type Plugin, rollup } from 'rollup'
import webpack from 'webpack'
import { bundlesFixture, copyFiles, filesIn, unshard, WORKS } from './fixture.js'

const fixture = bundlesFixture()
const entry = (): string => join(fixture.project, 'entry.mjs')

/** The bundle works, shares one connection, and prints no warning. */
async function works(file: string): Promise<void> {
  expect(await fixture.run(file)).toEqual({ report: WORKS, stderr: '' })
  expect(fixture.server.connections).toBe(1)
}

const command = (name: string, ...args: string[]): Promise<unknown> =>
  promisify(execFile)(join(unshard, 'node_modules/.bin', name), args, { cwd: fixture.project })

it.each([
  ['esm', 'out.mjs'],
  ['cjs', 'out.cjs'],
] as const)(
  'esbuild, as %s, without a warning',
  async (format, name) => {
    const outfile = join(fixture.output, name)
    // From esbuild's documentation on CommonJS packages.
    const js = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
    const banner = format === 'esm' ? { js } : {}
    const { warnings } = await esbuild({
      entryPoints: [entry()],
      outfile,
      format,
      banner,
      bundle: true,
      platform: 'node',
      logLevel: 'silent',
    })
    expect(warnings).toEqual([])
    await works(name)
  },
  60_000,
)

it.each(['es', 'cjs'] as const)(
  'Rollup, as %s, without a warning',
  async (format) => {
    const warnings: string[] = []
    const bundle = await rollup({
      input: entry(),
      plugins: [nodeResolve({ exportConditions: ['node'], preferBuiltins: true }), (commonjs as unknown as () => Plugin)()],
      external: /^node:/,
      onwarn: ({ code, message }) => void (code === 'CIRCULAR_DEPENDENCY' || warnings.push(message)),
    })
    await bundle.write({ dir: fixture.output, format, entryFileNames: format === 'es' ? '[name].mjs' : '[name].cjs' })
    await bundle.close()
    expect(warnings).toEqual([])
    await works(format === 'es' ? 'entry.mjs' : 'entry.cjs')
  },
  60_000,
)

it('webpack', async () => {
  const compiler = webpack({
    mode: 'none',
    target: 'node20',
    entry: entry(),
    output: { path: fixture.output, filename: 'out.cjs' },
  })
  const stats = await new Promise<{ hasErrors(): boolean; toString(): string }>((resolve, reject) => {
    compiler!.run((error, result) => (error === null ? resolve(result!) : reject(error)))
  })
  expect(stats.hasErrors() ? stats.toString() : '').toBe('')
  await works('out.cjs')
}, 60_000)

// Run as commands: their native part does not accept values of jest's realm.
it('Vite, as an SSR build', async () => {
  await writeFile(join(fixture.project, 'vite.config.mjs'), 'export default { ssr: { noExternal: true } }')
  await command('vite', 'build', '--ssr', 'entry.mjs', '--outDir', fixture.output, '--logLevel', 'error')
  await works('entry.js')
}, 60_000)

it('Rolldown', async () => {
  await command('rolldown', 'entry.mjs', '--platform', 'node', '--dir', fixture.output)
  await works('entry.js')
}, 60_000)

it('ncc', async () => {
  const ncc = createRequire(import.meta.url)('@vercel/ncc') as (
    input: string,
    options: object,
  ) => Promise<{ code: string; assets: Record<string, { source: string }> }>
  const { code, assets } = await ncc(entry(), { quiet: true, cache: false })
  await writeFile(join(fixture.output, 'index.mjs'), code)
  for (const [name, { source }] of Object.entries(assets)) await writeFile(join(fixture.output, name), source)
  await works('index.mjs')
}, 60_000)

it('@vercel/nft: the traced files are sufficient, and all belong to the packages', async () => {
  const { fileList, warnings } = await nodeFileTrace([entry()], { base: '/' })
  expect([...warnings]).toEqual([])
  await copyFiles(fileList, fixture.output)
  await works(join(fixture.output, entry()))
}, 60_000)

it.each([
  'unshard',
  'unshard/events',
  'unshard/grpc',
  'unshard/har',
  'unshard/inspect',
  'unshard/http',
  'unshard/interceptors',
  'unshard/multipart',
  'unshard/smithy',
  'unshard/testing',
  'unshard/web-socket',
])("a bare import of '%s' causes no warning", async (name) => {
  const stdin = { contents: `import '${name}'`, resolveDir: fixture.project }
  const { warnings } = await esbuild({ stdin, bundle: true, platform: 'node', format: 'esm', write: false, logLevel: 'silent' })
  expect(warnings).toEqual([])
})

it("a program with 'unshard/connect' alone is bundled with the libraries that it needs", async () => {
  const contents = `import { createGrpcTransport } from 'unshard/connect'
    import { Client } from 'unshard'
    const client = new Client()
    console.log(JSON.stringify(Object.keys(createGrpcTransport(client, { baseUrl: 'https://api.example' }))))
    client.destroy()`
  const outfile = join(fixture.output, 'out.mjs')
  const js = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
  const stdin = { contents, resolveDir: fixture.project }
  const { warnings } = await esbuild({ stdin, outfile, bundle: true, platform: 'node', format: 'esm', banner: { js } })
  expect(warnings).toEqual([])
  expect(await fixture.run('out.mjs')).toEqual({ report: ['unary', 'stream'], stderr: '' })
  expect(await readFile(outfile, 'utf8')).not.toMatch(/grpcClient\(\)|requestHandler\(\)/)
}, 60_000)

it("a program with 'unshard/web-socket' alone is bundled without the package ws, and runs", async () => {
  const contents = `import { WebSocket } from 'unshard/web-socket'
    const socket = new WebSocket('wss://api.example', ['chat'])
    socket.onclose = ({ code, wasClean }) => console.log(JSON.stringify([socket.readyState, code, wasClean]))
    socket.close()`
  const outfile = join(fixture.output, 'web-socket.mjs')
  const stdin = { contents, resolveDir: fixture.project }
  const { warnings, metafile } = await esbuild({ stdin, outfile, bundle: true, platform: 'node', format: 'esm', metafile: true })
  expect(warnings).toEqual([])
  expect(Object.keys(metafile.inputs).filter((file) => /node_modules\/ws\//.test(file))).toEqual([])
  expect(await fixture.run('web-socket.mjs')).toEqual({ report: [3, 1_006, false], stderr: '' })
}, 60_000)

it('the published files find their parts by import only: Babel, SWC and tracers read nothing else', async () => {
  for (const name of ['core', 'coalescing', 'adapters', 'unshard']) {
    const folder = join(unshard, '..', name, 'dist/bundle')
    // The command is run, not imported.
    const entries = (await filesIn(folder)).filter((file) => file.endsWith('index.js'))
    for (const [file, source] of await reachable(folder, entries)) {
      expect({ file, found: /import\.meta|createRequire|__filename|__dirname|\brequire\(/.exec(source)?.[0] }).toEqual({ file })
    }
  }
}, 60_000)

/** Returns the sources of files of a folder, and of those that they import. */
async function reachable(folder: string, entries: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  const queue = [...entries]
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (found.has(file)) continue
    const source = await readFile(join(folder, file), 'utf8')
    found.set(file, source)
    for (const [, path] of source.matchAll(/(?:from |import\()"(\.{1,2}\/[^"]+)"/g)) queue.push(join(dirname(file), path!))
  }
  return found
}
