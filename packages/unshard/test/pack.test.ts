/**
 * The published packages as a user gets them: packed, installed into an empty project, imported
 * from JavaScript and TypeScript.
 */

import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')
const names = ['core', 'coalescing', 'adapters', 'unshard']
let project: string
let tarballs: string[]

// Packing and installing are real and take seconds.
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'unshard-pack-'))
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'stranger', private: true, type: 'module' }))
  for (const name of names) {
    await run('npx', ['--yes', 'pnpm@10', 'pack', '--config.ignore-scripts=true', '--pack-destination', project], {
      cwd: join(root, 'packages', name),
    })
  }
  tarballs = (await readdir(project)).filter((file) => file.endsWith('.tgz')).map((file) => `./${file}`)
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

it('every exported class has its own name, because errors are identified by it', async () => {
  const source = `
    import * as unshard from 'unshard'
    import * as interceptors from 'unshard/interceptors'
    import * as testing from 'unshard/testing'
    const classes = Object.entries({ ...unshard, ...interceptors, ...testing }).filter(([, value]) => /^class\\b/.test(String(value)))
    console.log(classes.length, classes.filter(([name, value]) => value.name !== name).map(([name]) => name))`
  await writeFile(join(project, 'names.js'), source)
  const { stdout } = await run('node', ['names.js'], { cwd: project })
  expect(stdout.trim()).toMatch(/^[1-9]\d \[\]$/)
}, 60_000)

it('a program loads a few of our files, not hundreds', async () => {
  const watch = `export async function load(url, context, next) { process._rawDebug(url); return next(url, context) }`
  const source = `import { register } from 'node:module'; register('data:text/javascript,${encodeURIComponent(watch)}')`
  await writeFile(join(project, 'watch.js'), source)
  const { stderr } = await run('node', ['--import', './watch.js', '--input-type=module', '-e', "import 'unshard'"], {
    cwd: project,
  })
  const ours = stderr.split('\n').filter((url) => /node_modules\/@?unshard\/.*dist\//.test(url))
  expect(ours.length).toBeGreaterThan(3)
  expect(ours.length).toBeLessThan(8)
}, 60_000)

/** Texts of the adapters that only plug into other libraries, as their files contain them. */
const PLUGS = {
  connect: 'createGrpcTransport()',
  grpc: 'grpcClient()',
  http: 'createAgent()',
  inspect: 'content-visibility:auto',
  smithy: 'requestHandler()',
  'web-socket': 'createWebSocket()',
}

/** The adapters of {@link PLUGS} whose files a program loads, and the names of the packages beside ours. */
async function loadedBy(program: string): Promise<{ plugs: string[]; others: string[] }> {
  const watch = `export async function load(url, context, next) { process._rawDebug(url); return next(url, context) }`
  const source = `import { register } from 'node:module'; register('data:text/javascript,${encodeURIComponent(watch)}')`
  await writeFile(join(project, 'watch.js'), source)
  const args = ['--import', './watch.js', '--input-type=module', '-e', program]
  const { stderr } = await run('node', args, { cwd: project })
  const urls = stderr.split('\n').filter((url) => url.startsWith('file:') && url.includes('/node_modules/'))
  const ours = urls.filter((url) => /node_modules\/@?unshard\//.test(url))
  const texts = await Promise.all(ours.map((url) => readFile(fileURLToPath(url), 'utf8')))
  const plugs = Object.entries(PLUGS).filter(([, text]) => texts.some((each) => each.includes(text)))
  const others = urls.filter((url) => !ours.includes(url)).map((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)![1]!)
  return { plugs: plugs.map(([name]) => name), others: [...new Set(others)] }
}

it("a program that imports 'unshard' loads nothing of the adapters for other libraries", async () => {
  expect(await loadedBy("import 'unshard'")).toEqual({ plugs: [], others: ['lru-cache'] })
}, 60_000)

it.each(['grpc', 'inspect', 'smithy', 'web-socket'])(
  "a program that imports 'unshard/%s' loads none of the others, and no library that it is for",
  async (name) => {
    expect(await loadedBy(`import 'unshard/${name}'`)).toEqual({ plugs: [name], others: ['lru-cache'] })
  },
  60_000,
)

it("importing loads none of Node's slow modules, and a first request only those it needs", async () => {
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

it('TypeScript, strict, with the published types', async () => {
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
    // @ts-expect-error: a url is required
    client.request({})
    export const isOurs = (error: unknown): boolean => error instanceof UnshardError && error.processed === 'no'`
  await writeFile(join(project, 'typed.ts'), source)
  await compile('typed.ts', 'nodenext', 'nodenext')
}, 60_000)

/** Runs tsc, strict, checking the types of libraries too; rejects with its output. */
async function compile(file: string, module: string, moduleResolution: string, ...libs: string[]): Promise<void> {
  const lib = ['es2023', 'esnext.disposable', ...libs].join()
  const flags = ['--noEmit', '--strict', '--target', 'es2023', '--lib', lib, '--types', 'node']
  const resolution = ['--module', module, '--moduleResolution', moduleResolution, '--ignoreDeprecations', '6.0']
  const roots = ['--typeRoots', join(root, 'node_modules/@types')]
  await run('node', [join(root, 'node_modules/typescript/bin/tsc'), ...flags, ...resolution, ...roots, file], {
    cwd: project,
  }).catch((error: { stdout: string }) => {
    throw new Error(error.stdout)
  })
}

it.each([
  ['node10', 'esnext', 'node10', 'ts'],
  ['node16, from ESM', 'node16', 'node16', 'mts'],
  ['nodenext, from CommonJS', 'nodenext', 'nodenext', 'cts'],
  ['bundler', 'esnext', 'bundler', 'ts'],
])(
  'TypeScript finds each entry point and its types with moduleResolution %s',
  async (_name, module, resolution, extension) => {
    const source = `
    import { type CoalescingReason, type ComposedDispatcher, createClient, GRANT_REASONS, type Part, REFUSAL_REASONS } from 'unshard'
    import { EventSource, streamEvents } from 'unshard/events'
    import { grpcClient, type GrpcClient } from 'unshard/grpc'
    import { type HarRecorder, recordHar } from 'unshard/har'
    import { createAgent, createRequest, type HttpModule } from 'unshard/http'
    import { type Inspection, inspect, waterfallPage } from 'unshard/inspect'
    import { throwOnStatus } from 'unshard/interceptors'
    import { multipart } from 'unshard/multipart'
    import { type RequestHandlerOptions, requestHandler } from 'unshard/smithy'
    import { openDuplex, receiveFile } from 'unshard/streams'
    import { mockClient } from 'unshard/testing'
    import { Dispatcher, type Interceptor } from 'unshard/undici'
    import { createWebSocket, WebSocket, type WebSocketOpenInfo, WebSocketStream } from 'unshard/web-socket'
    import { fetch } from '@unshard/adapters/fetch'
    import { coalescing } from '@unshard/coalescing'
    import { Client } from '@unshard/core'
    export const all = [createClient, EventSource, streamEvents, grpcClient, recordHar, createAgent, createRequest, inspect, waterfallPage, throwOnStatus, multipart, requestHandler, openDuplex, receiveFile, mockClient, Dispatcher, createWebSocket, WebSocket, WebSocketStream, fetch, coalescing, Client]
    const reasons: readonly CoalescingReason[] = [...GRANT_REASONS, ...REFUSAL_REASONS]
    export type All = [Part, ComposedDispatcher, GrpcClient, HarRecorder, HttpModule, Inspection, Interceptor, RequestHandlerOptions, WebSocketOpenInfo]
    type Because = Awaited<ReturnType<Client['request']>>['connection']['because']
    export const named: Because = reasons[0]!
    // A name of the union, not any string: editors complete it.
    type Named<Name extends string> = Name extends Because ? (Because extends infer Each ? (Each extends Name ? true : never) : never) : never
    export const union: [Named<'first-connection'>, Named<'address-and-certificate'>, Named<'not-in-origin-set'>] = [true, true, true]`
    const file = `entries-${resolution}.${extension}`
    await writeFile(join(project, file), source)
    await compile(file, module, resolution)
  },
  60_000,
)

it('nothing internal is exported', async () => {
  const source = `
    import * as unshard from 'unshard'
    import * as internal from '@unshard/core/internal'
    console.log(JSON.stringify(Object.keys(internal).filter((name) => name in unshard)), 'afterAttempt' in unshard)`
  await writeFile(join(project, 'exports.js'), source)
  expect((await run('node', ['exports.js'], { cwd: project })).stdout).toBe('[] false\n')
}, 60_000)

it('CommonJS can require every entry point', async () => {
  const source = `
    for (const name of ['unshard', 'unshard/events', 'unshard/grpc', 'unshard/har', 'unshard/http', 'unshard/inspect', 'unshard/interceptors', 'unshard/multipart', 'unshard/smithy', 'unshard/streams', 'unshard/testing', 'unshard/undici', 'unshard/web-socket']) {
      if (Object.keys(require(name)).length === 0) throw new Error(name)
    }`
  await writeFile(join(project, 'required.cjs'), source)
  await run('node', ['--no-warnings', 'required.cjs'], { cwd: project })
}, 60_000)

/** What a program prints, or the code of its error. */
async function outcomeOf(file: string): Promise<string> {
  const ran = run('node', ['--no-warnings', file], { cwd: project })
  return ran.then(
    ({ stdout }) => stdout.trim(),
    ({ stderr }: { stderr: string }) => /Cannot find (?:package|module) '([^']+)'/.exec(stderr)?.[1] ?? stderr,
  )
}

it.each([
  ['unshard/connect', 'createGrpcTransport', "(client, { baseUrl: 'https://api.example' }).unary", '@connectrpc/connect'],
  ['unshard/opentelemetry', 'instrument', '(client)', '@opentelemetry/api'],
  ['unshard/prometheus', 'collect', '(client)', 'prom-client'],
])(
  '%s names the package that it needs, and works from ESM, CommonJS and TypeScript once it is installed',
  async (name, exported, call, peer) => {
    const body = `const client = new Client(); const made = ${exported}${call}; client.destroy(); console.log(typeof made)`
    const imports = `import { Client } from 'unshard'\nimport { ${exported} } from '${name}'\n`
    await writeFile(join(project, 'peer.mjs'), imports + body)
    await writeFile(
      join(project, 'peer.cjs'),
      `const { Client } = require('unshard'); const { ${exported} } = require('${name}'); ${body}`,
    )
    await writeFile(join(project, 'peer.ts'), imports + body)
    expect(await outcomeOf('peer.mjs')).toBe(peer)
    // Both packages: prom-client itself depends on the API.
    const peers = ['@bufbuild', '@connectrpc', '@opentelemetry', 'prom-client']
    for (const each of peers)
      await symlink(join(root, 'packages/unshard/node_modules', each), join(project, 'node_modules', each))
    try {
      expect(await outcomeOf('peer.mjs')).toBe('function')
      expect(await outcomeOf('peer.cjs')).toBe('function')
      // The types of Connect-ES itself need those of the DOM.
      const libs = name === 'unshard/connect' ? ['dom'] : []
      await compile('peer.ts', 'nodenext', 'nodenext', ...libs)
      await compile('peer.ts', 'esnext', 'node10', ...libs)
    } finally {
      for (const each of peers) await rm(join(project, 'node_modules', each))
    }
  },
  60_000,
)

it('unshard/smithy needs no other package, and is loaded by programs that import it alone', async () => {
  const source = `
    import { Client } from 'unshard'
    import { requestHandler } from 'unshard/smithy'
    const client = new Client()
    console.log(typeof requestHandler(client).handle)
    client.destroy()`
  await writeFile(join(project, 'smithy.mjs'), source)
  expect(await outcomeOf('smithy.mjs')).toBe('function')
  const main = await readFile(join(project, 'node_modules/@unshard/adapters/dist/bundle/index.js'), 'utf8')
  expect(main).not.toContain('handlerProtocol')
}, 60_000)

it('publint and attw find no problem in any package', async () => {
  const bin = join(root, 'packages/unshard/node_modules/.bin')
  for (const tarball of tarballs) {
    const { stdout } = await run(join(bin, 'publint'), ['run', '--strict', tarball], { cwd: project })
    expect(stdout).toMatch(/All good/)
    // ESM only, which CommonJS can require on every supported Node.js.
    const rules = ['--ignore-rules', 'cjs-resolves-to-esm']
    await run(join(bin, 'attw'), [tarball, ...rules], { cwd: project }).catch((error: { stdout: string }) => {
      throw new Error(error.stdout)
    })
  }
}, 60_000)

it('each package names its source and its requirements, and its source maps refer to published files', async () => {
  for (const name of names) {
    const folder = join(project, 'node_modules', name === 'unshard' ? name : `@unshard/${name}`)
    const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>
    for (const member of ['repository', 'homepage', 'bugs', 'keywords', 'author', 'main', 'types']) {
      expect(manifest).toHaveProperty(member)
    }
    expect(manifest).toMatchObject({
      engines: { node: '^20.19 || >=22.12' },
      peerDependenciesMeta: { '@types/node': { optional: true } },
    })
    // pnpm omits it from the packed file.
    const { scripts } = JSON.parse(await readFile(join(root, 'packages', name, 'package.json'), 'utf8')) as { scripts: object }
    expect(scripts).toEqual({ prepack: 'npm --prefix ../.. run --silent build' })
    const files = await readdir(folder, { recursive: true })
    const declarations = files.filter((file) => file.endsWith('.d.ts') && file.startsWith('dist/'))
    expect(declarations.length).toBeGreaterThan(3)
    for (const file of declarations) {
      const { sources } = JSON.parse(await readFile(join(folder, `${file}.map`), 'utf8')) as { sources: string[] }
      for (const source of sources) expect(files).toContain(join(dirname(file), source))
    }
  }
}, 60_000)

it('the command, its man pages, and the licenses of the libraries that its bundle contains', async () => {
  const command = join(project, 'node_modules/.bin/unshard')
  expect((await run(command, ['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  await expect(run(command, ['probe'])).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining("unshard: missing required argument 'origin'"),
  })
  const folder = join(project, 'node_modules/unshard')
  const { man } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { man: string[] }
  expect(man).toContain('./man/unshard.1')
  for (const page of man) expect(await readFile(join(folder, page), 'utf8')).toContain('.SH NAME')
  const notice = await readFile(join(folder, 'NOTICE.md'), 'utf8')
  const bundles = (await readdir(join(folder, 'dist/bundle'), { recursive: true })).filter((file) => file.endsWith('.js'))
  const sources = await Promise.all(bundles.map((file) => readFile(join(folder, 'dist/bundle', file), 'utf8')))
  // esbuild names the file that each module comes from.
  const inlined = sources.flatMap((text) => [
    ...text.matchAll(/node_modules\/\.pnpm\/[^/]+\/node_modules\/((?:@[^/]+\/)?[^/]+)\//g),
  ])
  const libraries = new Set(inlined.map(([, name]) => name!))
  expect(libraries).toContain('commander')
  for (const name of libraries) expect(notice).toContain(`[${name}](`)
  const texts = await readFile(join(folder, 'LICENSE-libraries'), 'utf8')
  expect(texts).toContain('The MIT License')
  expect(texts).toContain('The ISC License')
}, 60_000)
