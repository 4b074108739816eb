/**
 * `npm start` and `npm test` where they cannot work: within seconds they print the problem and its
 * solution.
 */

import { spawn } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')
let folder: string
let home: string

// A checkout with all files that the setup reads, and a home directory without caches.
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unshard-checkout-'))
  home = await mkdtemp(join(tmpdir(), 'unshard-home-'))
  for (const name of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', '.ci/setup.cjs', 'packages/core/package.json']) {
    await cp(join(root, name), join(folder, name))
  }
  await mkdir(join(folder, 'packages/core/src'))
})
afterEach(async () => {
  await chmod(folder, 0o755)
  for (const each of [folder, home]) await rm(each, { recursive: true, force: true })
})

interface Ran {
  readonly code: number | null
  readonly stderr: string
  readonly seconds: number
}

function run(
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv = {},
  user: { uid?: number; gid?: number } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const began = performance.now()
    const child = spawn(command, args, { cwd: folder, env: { PATH: process.env['PATH'], HOME: home, ...env }, ...user })
    let stderr = ''
    child.stderr.on('data', (part: Buffer) => (stderr += part))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stderr, seconds: (performance.now() - began) / 1_000 }))
  })
}

/**
 * The most seconds that a refusal may take. npm alone takes one second, or ten on a busy machine. A
 * retry of an unreachable registry, or an installation, takes as long again many times.
 */
async function fewSeconds(): Promise<number> {
  await mkdir(join(home, 'nothing'))
  await writeFile(join(home, 'nothing/package.json'), '{ "scripts": { "nothing": "node --version" } }')
  const { seconds } = await run('npm', ['--prefix', join(home, 'nothing'), 'run', 'nothing'])
  return 3 + 4 * seconds
}

it.each([
  ['16.20.2', false],
  ['18.20.8', false],
  ['20.18.3', false],
  ['21.7.3', false],
  ['22.11.0', false],
  ['22.12.0', true],
  ['20.19.0', true],
  ['24.0.0', true],
])(
  'on Node.js %s the current and the supported versions are printed: %s',
  async (version, taken) => {
    const preload = join(home, 'version.cjs')
    await writeFile(preload, `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`)
    const { code, stderr } = await run(process.execPath, ['--require', preload, '.ci/setup.cjs'], {
      npm_config_registry: 'http://127.0.0.1:9',
    })
    expect(code).toBe(1)
    if (taken) expect(stderr).not.toContain('needs Node.js')
    else expect(stderr).toMatch(`unshard needs Node.js 20.19 or a later 20, or 22.12 and up. This is ${version} (`)
  },
  60_000,
)

it.each(['start', 'test'])(
  'npm %s without a registry and without caches',
  async (script) => {
    const most = await fewSeconds()
    const { code, stderr, seconds } = await run('npm', [script], { npm_config_registry: 'http://127.0.0.1:9' })
    expect(code).toBe(1)
    expect(stderr).toContain('the npm registry http://127.0.0.1:9 cannot be reached (ECONNREFUSED)')
    expect(stderr).toContain('npm config set registry')
    expect(seconds).toBeLessThan(most)
  },
  60_000,
)

it('npm test with a registry that accepts connections and never responds', async () => {
  const server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  const { code, stderr } = await run('npm', ['test'], { npm_config_registry: `http://user:secret@127.0.0.1:${port}/` })
  server.close()
  expect(code).toBe(1)
  expect(stderr).toContain(`the npm registry http://127.0.0.1:${port}/ cannot be reached (no answer within 3 s)`)
  expect(stderr).not.toContain('secret')
}, 60_000)

it('npm start as a user who cannot write to the folder', async () => {
  const most = await fewSeconds()
  await chmod(folder, 0o555)
  await chmod(home, 0o755)
  const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
  const { code, stderr, seconds } = await run('npm', ['start'], {}, user)
  expect(code).toBe(1)
  expect(stderr).toContain(`${folder} cannot be written by this user`)
  expect(stderr).toContain('copy the folder')
  expect(seconds).toBeLessThan(most)
}, 60_000)
