/** Bundles a user's program into one file and runs it in an empty folder. */

import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { OriginServer } from '@unshard/testkit'
import { testEnvironment } from '../environment.js'

export const unshard = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/**
 * Twelve hosts over HTTP/2, one over HTTP/1.1 with TLS, one in cleartext; and the exports of
 * `unshard/events`.
 */
const PROGRAM = `
  import { readFileSync } from 'node:fs'
  import { createClient, createFetch } from 'unshard'
  import { EventSource } from 'unshard/events'
  import { requestHandler } from 'unshard/smithy'

  async function main() {
    const [h2, h1, clear] = process.argv.slice(2)
    const lookup = (host, options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }])
    const client = createClient({ tls: { ca: readFileSync(process.env.CA, 'utf8') }, lookup })
    const fetch = createFetch(client)
    const hosts = Array.from({ length: 12 }, (_, i) => 'https://host' + i + '.test.example:' + h2 + '/')
    // The first alone: how long others wait for a handshake depends on time.
    const responses = [await client.request({ url: hosts[0] })]
    responses.push(...(await Promise.all(hosts.slice(1).map((url) => client.request({ url })))))
    const connections = new Set(responses.map((response) => response.connection.id)).size
    const reasons = [...new Set(Object.keys(client.stats().totals.declined ?? {}))]
    const statuses = []
    for (const url of ['https://one.test.example:' + h1 + '/', 'http://one.test.example:' + clear + '/']) {
      statuses.push((await fetch(url)).status, (await fetch(url, { method: 'POST', body: 'x' })).status)
    }
    const signed = { method: 'GET', protocol: 'https:', hostname: 'one.test.example', port: Number(h2), path: '/', headers: {} }
    statuses.push((await requestHandler(client).handle(signed)).response.statusCode)
    console.log(JSON.stringify({ h2: responses.filter(({ status }) => status === 200).length, connections, reasons, statuses, name: EventSource.name }))
    await client.close()
  }
  main().catch((error) => { console.error(error); process.exitCode = 1 })`

export interface BundlesFixture {
  /** A project with `unshard` and this program in `entry.mjs`. */
  readonly project: string
  /** An empty folder for the output. */
  readonly output: string
  /** Runs a file in the empty folder, isolated from all other files. */
  run(file: string): Promise<{ report: unknown; stderr: string }>
  readonly server: OriginServer
}

/** Report of a working program. */
export const WORKS = { h2: 12, connections: 1, reasons: [], statuses: [200, 200, 200, 200, 200], name: 'EventSource' }

/** Call once, at the top level of a test file. */
export function bundlesFixture(): BundlesFixture {
  const environment = testEnvironment()
  const fixture = {} as { -readonly [K in keyof BundlesFixture]: BundlesFixture[K] }
  const folder = async (name: string): Promise<string> => {
    const made = await mkdtemp(join(tmpdir(), name))
    environment.defer(() => rm(made, { recursive: true }))
    return made
  }
  beforeEach(async () => {
    const [h2, h1, clear] = [
      await environment.server(),
      await environment.server({ protocols: ['http/1.1'] }),
      await environment.server({ tls: undefined }),
    ]
    fixture.server = h2
    fixture.project = await folder('unshard-user-')
    fixture.output = await folder('unshard-empty-')
    const authority = join(await folder('unshard-ca-'), 'ca.pem')
    await writeFile(authority, environment.authority.ca)
    await writeFile(join(fixture.project, 'entry.mjs'), PROGRAM)
    await writeFile(join(fixture.project, 'package.json'), '{"name":"user","private":true,"type":"module"}')
    await mkdir(join(fixture.project, 'node_modules'))
    await symlink(relative(join(fixture.project, 'node_modules'), unshard), join(fixture.project, 'node_modules/unshard'))
    fixture.run = async (file) => {
      const ports = [h2, h1, clear].map(({ port }) => String(port))
      const env = { PATH: process.env['PATH'], CA: authority }
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [file, ...ports], {
        cwd: fixture.output,
        env,
        timeout: 15_000,
      })
      return { report: JSON.parse(stdout), stderr }
    }
  })
  return fixture
}

/** Copies files from below `/` to below `folder`, links as links. */
export async function copyFiles(files: Iterable<string>, folder: string): Promise<void> {
  for (const file of files) await cp(join('/', file), join(folder, file), { verbatimSymlinks: true, recursive: false })
}

/** Lists all files below a folder. */
export const filesIn = (folder: string): Promise<string[]> => readdir(folder, { recursive: true })
