/**
 * A user's project with a test runner, run as a separate program against servers of this process.
 */

import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { OriginHandler } from '@unshard/testkit'
import { testEnvironment } from '../environment.js'

const unshard = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const root = join(unshard, '..', '..')

/**
 * Functions for a user's test: `rounds` sends requests over HTTP/2 and HTTP/1.1, with and without
 * content; `deadline` waits for a server that never responds. Works in CommonJS and in ESM.
 */
export const CALLS = `
  function callsOf({ createClient, createFetch }, { CA, H2, H1 }) {
    const client = createClient({ tls: { ca: CA }, lookup: (host, options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]) })
    const fetch = createFetch(client)
    async function rounds(path = 'gzip') {
      for (const port of [H2, H1]) {
        const url = 'https://one.test.example:' + port + '/'
        const texts = await Promise.all([
          fetch(url).then((response) => response.text()),
          fetch(url, { method: 'POST', body: 'content' }).then((response) => response.text()),
          fetch(url + path).then((response) => response.text()),
          fetch(url, { method: 'POST', body: new Blob(['a blob']).stream(), duplex: 'half' }).then((response) => response.text()),
        ])
        if (texts.join() !== 'GET ,POST content,' + (path === '' ? 'GET ' : 'coded') + ',POST a blob') throw new Error('wrong: ' + texts)
      }
    }
    async function deadline() {
      for (const port of [H2, H1]) {
        const error = await client.request({ url: 'https://one.test.example:' + port + '/silent', timeouts: { headers: 200 } }).catch((error) => error)
        if (error.name !== 'TimeoutError') throw error
      }
    }
    return { rounds, deadline, close: () => client.close() }
  }`

export interface Ran {
  readonly code: number
  readonly output: string
}

export interface RunnersFixture {
  write(file: string, contents: string): Promise<void>
  /** Runs a program of the project's `node_modules/.bin`, or `node`, and returns its output. */
  run(program: string, ...args: string[]): Promise<Ran>
}

/** Echoes method and content, sends `/gzip` encoded, and never responds to `/silent`. */
const handler: OriginHandler = (request, response) => {
  if (request.url === '/silent') return
  if (request.url === '/gzip') return void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('coded'))
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => response.end(`${request.method} ${Buffer.concat(parts)}`))
}

/** Call once, at the top level of a test file. */
export function runnersFixture(): RunnersFixture {
  const environment = testEnvironment()
  let project: string
  let env: NodeJS.ProcessEnv
  beforeEach(async () => {
    const [h2, h1] = [await environment.server({ handler }), await environment.server({ handler, protocols: ['http/1.1'] })]
    // Outside node_modules of the repository and outside folders that a runner ignores.
    project = await mkdtemp(join(tmpdir(), 'unshard-runner-'))
    environment.defer(() => rm(project, { recursive: true }))
    env = { PATH: process.env['PATH'], HOME: project, CA: environment.authority.ca, H2: String(h2.port), H1: String(h1.port) }
    const modules = join(project, 'node_modules')
    await mkdir(modules)
    await install(modules)
    await writeFile(join(project, 'package.json'), '{"name":"user","private":true}')
  })
  return {
    write: (file, contents) => writeFile(join(project, file), contents),
    run: (program, ...args) =>
      new Promise((resolve) => {
        const command = program === 'node' ? process.execPath : join(root, 'packages/unshard/node_modules/.bin', program)
        execFile(command, args, { cwd: project, env, timeout: 50_000 }, (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : ((error.code as unknown as number) ?? 1), output: stdout + stderr })
        })
      }),
  }
}

/** Like npm: the packages are files below `node_modules`, with their dependencies beside them. */
async function install(modules: string): Promise<void> {
  for (const name of ['core', 'coalescing', 'adapters', 'unshard']) {
    const from = join(root, 'packages', name)
    const to = join(modules, name === 'unshard' ? name : `@unshard/${name}`)
    await cp(join(from, 'package.json'), join(to, 'package.json'))
    await cp(join(from, 'dist/bundle'), join(to, 'dist/bundle'), { recursive: true })
    await linkAll(join(from, 'node_modules'), modules)
  }
  await linkAll(join(root, 'node_modules'), modules)
}

/** Links entries that do not exist yet. */
async function linkAll(from: string, into: string): Promise<void> {
  for (const name of await readdir(from)) {
    if (name.startsWith('.')) continue
    await symlink(join(from, name), join(into, name)).catch(() => undefined)
  }
}
