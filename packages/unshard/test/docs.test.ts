/** The README's examples run as they stand, against servers of this machine that carry the names in them. */

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type OriginServer, startOriginServer } from '@unshard/testkit'
import { rig } from './rig.js'

const run = promisify(execFile)
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')
const world = rig()
let origin: OriginServer
let folder: string
let examples: string[]

beforeEach(async () => {
  const tls = await world.authority.issue({ names: ['*.wikipedia.org', '*.wikimedia.org'] })
  origin = await startOriginServer({ tls, handler: (_request, response) => response.end('hello') })
  world.defer(() => origin.close())
  folder = await mkdtemp(join(tmpdir(), 'unshard-docs-'))
  world.defer(() => rm(folder, { recursive: true }))
  await symlink(join(root, 'packages/bench/node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'ca.pem'), world.authority.ca)
  // Every name leads to this machine; the port is the only thing that is changed in an example.
  const preload = `import dns from 'node:dns'; import { syncBuiltinESMExports } from 'node:module'
    dns.lookup = (host, options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]); syncBuiltinESMExports()`
  await writeFile(join(folder, 'preload.mjs'), preload)
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  examples = [...readme.matchAll(/```js\n(.*?)```/gs)].map((match) => match[1]!)
})

async function play(example: string): Promise<string> {
  const source = example.replace('.org/wiki/', `.org:${origin.port}/wiki/`).replace('}/robots.txt', `}:${origin.port}/robots.txt`)
  await writeFile(join(folder, 'example.mjs'), source)
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') }
  return (await run('node', ['--import', './preload.mjs', 'example.mjs'], { cwd: folder, env })).stdout
}

it('fetch: at most ten lines, and it prints what it says', async () => {
  expect(examples[0]!.trim().split('\n').length).toBeLessThanOrEqual(10)
  const printed = await play(examples[0]!)
  expect(printed).toMatch(/^200 /)
  expect(printed).toContain('5 characters')
  expect(printed).toContain("protocol: 'h2'")
})

it('coalescing: at most fifteen lines, and it shows which connection served what', async () => {
  expect(examples[1]!.trim().split('\n').length).toBeLessThanOrEqual(15)
  const printed = await play(examples[1]!)
  expect(printed).toContain('en.wikipedia.org: h2 connection #1, its own (first-connection)')
  expect(printed).toContain('commons.wikimedia.org: h2 connection #1, shared (address-and-certificate)')
  expect(printed).toContain('dials: 1')
  expect(origin.connections).toBe(1)
})
