/** The examples of docs/streams.md and docs/undici.md run as they stand. `// → …` is what they print, in that order. Uses `dist`: build first. */

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startOriginServer } from '@unshard/testkit'
import { rig } from './rig.js'

const run = promisify(execFile)
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')
const world = rig()

const EXAMPLES = ['streams.md', 'undici.md'].flatMap((page) => {
  const text = readFileSync(join(root, 'docs', page), 'utf8')
  return [...text.matchAll(/```js\n(.*?)```/gs)].map((match, i) => [`${page}, example ${i + 1}`, match[1]!] as const)
})

it.each(EXAMPLES)('%s', async (_name, example) => {
  const tls = await world.authority.issue({ names: ['*.example.com'] })
  const origin = await startOriginServer({ tls })
  world.defer(() => origin.close())
  const folder = await mkdtemp(join(tmpdir(), 'unshard-docs-'))
  world.defer(() => rm(folder, { recursive: true }))
  await symlink(join(root, 'packages/bench/node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'ca.pem'), world.authority.ca)
  // Every name leads to this machine; the port is the only thing that is changed in an example.
  const preload = `import dns from 'node:dns'; import { syncBuiltinESMExports } from 'node:module'
    dns.lookup = (host, options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]); syncBuiltinESMExports()`
  await writeFile(join(folder, 'preload.mjs'), preload)
  await writeFile(join(folder, 'example.mjs'), example.replaceAll('.example.com', `.example.com:${origin.port}`))
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') }
  const { stdout } = await run('node', ['--import', './preload.mjs', 'example.mjs'], { cwd: folder, env, timeout: 15_000 })
  const said = [...example.matchAll(/\/\/ → (.*)$/gm)].map((match) => match[1]!)
  expect(said.length).toBeGreaterThan(0)
  expect(stdout.trimEnd().split('\n')).toEqual(said)
})
