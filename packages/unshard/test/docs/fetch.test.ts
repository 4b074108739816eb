import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { testWorld } from '@unshard/testkit'

const world = testWorld()
const root = new URL('../../../../', import.meta.url)
const page = readFileSync(new URL('docs/fetch.md', root), 'utf8')
const examples = [...page.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code!)

describe('docs/fetch.md', () => {
  it('has examples', () => expect(examples.length).toBeGreaterThan(3))

  // As a new user would run them, but for the host.
  it.each(examples.map((code, index) => [index + 1, code] as const))('example %i runs', async (_index, code) => {
    const origin = await world.server({ tls: await world.tls('localhost') })
    const folder = mkdtempSync(join(tmpdir(), 'unshard-docs-'))
    world.defer(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'ca.pem'), world.authority.ca)
    const program = code.replaceAll('https://example.com', `https://localhost:${origin.port}`)
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      // A package may import itself by its name.
      cwd: fileURLToPath(new URL('packages/unshard/', root)),
      env: { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') },
      timeout: 15_000,
    })
    expect(stderr).toBe('')
    expect(stdout).not.toBe('')
    expect(origin.requests.length).toBeGreaterThan(0)
  })
})
