/**
 * Runs the examples of a page unchanged, against a local server that has the names used in them.
 */

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type OriginHandler, type OriginServer, startOriginServer } from '@unshard/testkit'
import { testEnvironment } from '../environment.js'

const run = promisify(execFile)
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', '..')

/**
 * Returns the JavaScript examples of a page, in order. `page` is a path relative to the root of the
 * repository.
 */
export function examplesOf(page: string): string[] {
  return [...readFileSync(join(root, page), 'utf8').matchAll(/```js\n(.*?)```/gs)].map((match) => match[1]!)
}

/** Fixture for one page, created again for each test. */
export interface DocsStage {
  readonly origin: OriginServer
  /** The JavaScript examples of the page, in order. */
  readonly examples: readonly string[]
  /**
   * Runs one example as a separate program and returns its output. Names in URLs resolve to the
   * server; nothing else is changed.
   */
  play(example: string): Promise<string>
}

/** The packages a reader has installed: `unshard` and those used in the examples. */
async function installInto(modules: string): Promise<void> {
  const unshard = join(root, 'packages/unshard')
  await mkdir(modules)
  await symlink(unshard, join(modules, 'unshard'))
  for (const name of await readdir(join(unshard, 'node_modules'))) {
    if (!name.startsWith('.')) await symlink(join(unshard, 'node_modules', name), join(modules, name))
  }
}

/**
 * Call once, at the top level of a test file. @param handler default: the routes of the testkit.
 * @param files modules that examples import, by name.
 */
export function docsStage(page: string, handler?: OriginHandler, files: Readonly<Record<string, string>> = {}): DocsStage {
  const world = testEnvironment()
  const examples = examplesOf(page)
  let origin: OriginServer
  let folder: string
  beforeEach(async () => {
    const tls = await world.authority.issue({ names: ['*.wikipedia.org', '*.wikimedia.org', '*.example.com', 'example.com'] })
    origin = await startOriginServer(handler === undefined ? { tls } : { tls, handler })
    world.defer(() => origin.close())
    folder = await mkdtemp(join(tmpdir(), 'unshard-docs-'))
    world.defer(() => rm(folder, { recursive: true }))
    await installInto(join(folder, 'node_modules'))
    await writeFile(join(folder, 'ca.pem'), world.authority.ca)
    for (const [name, source] of Object.entries(files)) await writeFile(join(folder, name), source)
    const preload = `import dns from 'node:dns'; import { syncBuiltinESMExports } from 'node:module'
      const { lookup } = dns
      dns.lookup = (host, options, callback) => callback === undefined ? lookup(host, options) : callback(null, [{ address: '127.0.0.1', family: 4 }])
      syncBuiltinESMExports()
      // Added in Node.js 22 and required by msw 3 and nock 15.
      Promise.withResolvers ??= function () {
        const made = {}
        made.promise = new this((resolve, reject) => Object.assign(made, { resolve, reject }))
        return made
      }`
    await writeFile(join(folder, 'preload.mjs'), preload)
  })
  async function play(example: string): Promise<string> {
    // Only the port is changed.
    const source = example.replace(/(\.org(?=\/)|\bexample\.com|https:\/\/\$\{host\})/g, `$1:${origin.port}`)
    await writeFile(join(folder, 'example.mjs'), source)
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') }
    const { stdout, stderr } = await run('node', ['--import', './preload.mjs', 'example.mjs'], {
      cwd: folder,
      env,
      timeout: 15_000,
    })
    expect(stderr).toBe('')
    return stdout
  }
  return {
    get origin() {
      return origin
    },
    examples,
    play,
  }
}
