/**
 * The published bundle, bundled again by a user: HTTP/1.1 works in an empty folder without undici.
 */

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const core = fileURLToPath(new URL('../..', import.meta.url))
const { build } = createRequire(join(core, '../unshard/package.json'))('esbuild') as {
  build(options: object): Promise<unknown>
}
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bundled-'))
})
afterEach(() => rm(folder, { recursive: true }))

const SCRIPT = `
import { createServer } from 'node:http'
import { Client } from '@unshard/core'
const server = createServer((request, response) => request.resume().on('end', () => response.end(request.method)))
server.listen(0, '127.0.0.1', async () => {
  const client = new Client()
  const url = 'http://127.0.0.1:' + server.address().port
  for (const method of ['GET', 'POST']) console.log(await (await client.request({ url, method, body: method === 'GET' ? null : 'x' })).text())
  await client.close()
  server.close()
})`

it.each([
  ['esm', 'out.mjs'],
  ['cjs', 'out.cjs'],
])('a bundle by esbuild with format %s sends HTTP/1.1 requests', async (format, name) => {
  const outfile = join(folder, name)
  const stdin = { contents: SCRIPT, resolveDir: core, loader: 'js' }
  const banner =
    format === 'esm' ? { js: "import { createRequire as r } from 'node:module'; const require = r(import.meta.url)" } : {}
  const alias = { '@unshard/core': join(core, 'dist/bundle/index.js') }
  await build({ stdin, outfile, format, banner, alias, bundle: true, platform: 'node', logLevel: 'error', absWorkingDir: core })
  const { stdout } = await promisify(execFile)(process.execPath, [name], { cwd: folder, timeout: 20_000 })
  expect(stdout.trim().split('\n')).toEqual(['GET', 'POST'])
})

it('undici is neither a dependency nor named in the published bundle', async () => {
  const { dependencies } = JSON.parse(await readFile(join(core, 'package.json'), 'utf8')) as { dependencies: object }
  expect(Object.keys(dependencies)).not.toContain('undici')
  const index = await readFile(join(core, 'dist/bundle/index.js'), 'utf8')
  expect(index).not.toMatch(/require\(|undici/)
})
