/** What is published, as a stranger meets it: every package packed, installed into an empty project, imported from JavaScript and TypeScript. */

import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')
const names = ['core', 'coalescing', 'adapters', 'unshard']
let project: string

// Packing and installing are real: they take seconds, not milliseconds.
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'unshard-pack-'))
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'stranger', private: true, type: 'module' }))
  for (const name of names) {
    await run('npx', ['--yes', 'pnpm@10', 'pack', '--pack-destination', project], { cwd: join(root, 'packages', name) })
  }
  const tarballs = (await readdir(project)).filter((file) => file.endsWith('.tgz')).map((file) => `./${file}`)
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...tarballs], { cwd: project })
}, 120_000)
afterAll(() => rm(project, { recursive: true, force: true }))

it('plain JavaScript', async () => {
  const source = `
    import { fetch, createFetch, createClient, Client, coalescing, sameOrigin } from 'unshard'
    import { Client as CoreClient, UsageError } from '@unshard/core'
    import { coalescing as own } from '@unshard/coalescing'
    import { createFetch as adapter } from '@unshard/adapters'
    import { openDuplex, pipeline, pull, receiveFile, sendFile } from '@unshard/adapters/streams'
    import { Dispatcher, installGlobalDispatcher } from '@unshard/adapters/undici'
    import { fetch as fetchAlone } from '@unshard/adapters/fetch'
    const all = [fetch, createFetch, createClient, coalescing, sameOrigin, own, adapter, openDuplex, fetchAlone, pipeline, pull, receiveFile, sendFile, Dispatcher, installGlobalDispatcher]
    const client = createClient()
    const refused = await client.request({ url: 'nope' }).catch((error) => error)
    console.log(all.every((f) => typeof f === 'function'), Client === CoreClient, refused instanceof UsageError)
    await client.close()`
  await writeFile(join(project, 'plain.js'), source)
  expect((await run('node', ['plain.js'], { cwd: project })).stdout.trim()).toBe('true true true')
}, 60_000)

it('every class that can be imported has its own name, which errors are told by', async () => {
  const source = `
    import * as unshard from 'unshard'
    import * as testing from 'unshard/testing'
    const classes = Object.entries({ ...unshard, ...testing }).filter(([, value]) => /^class\\b/.test(String(value)))
    console.log(classes.length, classes.filter(([name, value]) => value.name !== name).map(([name]) => name))`
  await writeFile(join(project, 'names.js'), source)
  const { stdout } = await run('node', ['names.js'], { cwd: project })
  expect(stdout.trim()).toMatch(/^[1-9]\d \[\]$/)
}, 60_000)

it('a program loads a few files of ours, not some hundred', async () => {
  const watch = `export async function load(url, context, next) { process._rawDebug(url); return next(url, context) }`
  const source = `import { register } from 'node:module'; register('data:text/javascript,${encodeURIComponent(watch)}')`
  await writeFile(join(project, 'watch.js'), source)
  const { stderr } = await run('node', ['--import', './watch.js', '--input-type=module', '-e', "import 'unshard'"], {
    cwd: project,
  })
  const ours = stderr.split('\n').filter((url) => url.includes('unshard') && url.includes('/dist/'))
  expect(ours.length).toBeGreaterThan(3)
  expect(ours.length).toBeLessThan(8)
}, 60_000)

it("importing loads none of Node's modules that take milliseconds, and a first request what it needs", async () => {
  const heavy = ['crypto', 'dns', 'http', 'http2', 'https', 'tls', 'zlib', 'internal/crypto/webcrypto']
  const source = `
    import { once } from 'node:events'
    import { createServer } from 'node:net'
    const present = () => ${JSON.stringify(heavy)}.filter((name) => process.moduleLoadList.includes('NativeModule ' + name))
    const before = present()
    const loaded = () => present().filter((name) => !before.includes(name))
    const { fetch } = await import('unshard')
    console.log(JSON.stringify(loaded()))
    const server = createServer((socket) => socket.destroy()).listen(0)
    await once(server, 'listening')
    await fetch(\`https://127.0.0.1:\${server.address().port}/\`).catch(() => undefined)
    server.close()
    console.log(JSON.stringify(loaded()))`
  await writeFile(join(project, 'loaded.js'), source)
  const { stdout } = await run('node', ['loaded.js'], { cwd: project })
  const [imported, requested] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as string[])
  expect(imported).toEqual([])
  expect(requested!.filter((name) => name !== 'crypto' && name !== 'tls')).toEqual([])
}, 60_000)

it('TypeScript, strict, with the types that are shipped', async () => {
  const source = `
    import { createClient, fetch, type HttpResponse, type ReusePolicy, UnshardError } from 'unshard'
    import { openDuplex } from '@unshard/adapters/streams'
    const policy: ReusePolicy = { verdict: () => ({ use: false, because: 'mine' }), misdirected: () => undefined }
    const client = createClient({ reuse: policy, timeouts: { total: 1_000 } })
    export async function get(url: string): Promise<string> {
      const response: HttpResponse = await client.request({ url })
      const id: number = response.connection.id
      const other: Response = await fetch(url)
      openDuplex(client, { url }).duplex.end()
      return (await response.text()) + id + (await other.text())
    }
    // @ts-expect-error: an unknown option
    createClient({ timeoutz: {} })
    // @ts-expect-error: a url is needed
    client.request({})
    export const isOurs = (error: unknown): boolean => error instanceof UnshardError && error.processed === 'no'`
  await writeFile(join(project, 'typed.ts'), source)
  const options = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--types',
    'node',
    '--typeRoots',
    join(root, 'node_modules/@types'),
  ]
  await run('node', [join(root, 'node_modules/typescript/bin/tsc'), ...options, 'typed.ts'], { cwd: project }).catch(
    (error: { stdout: string }) => {
      throw new Error(error.stdout)
    },
  )
}, 60_000)

it('the command', async () => {
  const command = join(project, 'node_modules/.bin/unshard')
  expect((await run(command, ['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  await expect(run(command, ['probe'])).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('usage: unshard probe'),
  })
}, 60_000)
