/** The programs of docs/guides/grpc.md print what they state. */

import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { testWorld } from '@unshard/testkit'

const libraries = join(dirname(fileURLToPath(import.meta.url)), '../..')
const page = await readFile(join(libraries, '../../docs/guides/grpc.md'), 'utf8')
const [service, ...programs] = [...page.matchAll(/```js(?: file=\S+)?\n(.*?)```/gs)].map((match) => match[1]!)
const [google] = [...page.matchAll(/```js google\n(.*?)```/gs)].map((match) => match[1]!)
const world = testWorld()

it.each(programs.map((program, i) => [i + 1, program] as const))('program %i', async (_number, program) => {
  // Inside the package, whose libraries it imports.
  const folder = await mkdtemp(join(libraries, 'node_modules/.guide-'))
  try {
    await writeFile(join(folder, 'service.mjs'), service!)
    await writeFile(join(folder, 'program.mjs'), program)
    const { stdout } = await promisify(execFile)(process.execPath, ['program.mjs'], { cwd: folder, timeout: 15_000 })
    expect(stdout.trimEnd().split('\n')).toEqual([...program.matchAll(/\/\/ → (.*)$/gm)].map((match) => match[1]))
  } finally {
    await rm(folder, { recursive: true })
  }
})

it('the program with clients of Google Cloud', async () => {
  const folder = await mkdtemp(join(libraries, 'node_modules/.guide-'))
  try {
    const { cert, key } = await world.tls('*.googleapis.com')
    await copyFile(join(libraries, 'test/grpc/programs/google-server.mjs'), join(folder, 'google-server.mjs'))
    // The page has the addresses and the credentials of Google; here is a server with the same names.
    const local = `import { start } from './google-server.mjs'
import { googleAuthLibrary } from 'google-gax'
const { CA: ca, CERT: cert, KEY: key } = process.env
const server = await start({ cert, key })
const authClient = new googleAuthLibrary.OAuth2Client()
authClient.setCredentials({ access_token: 'token', expiry_date: Date.now() + 3_600_000 })
`
    const program = google!
      .replace('createClient()', "createClient({ tls: { ca }, lookup: (_host, _options, done) => done(null, '127.0.0.1', 4) })")
      .replace('options = {', "options = { port: server.port, projectId: 'p', authClient,")
    await writeFile(join(folder, 'program.mjs'), `${local}${program}\nserver.stop()\n`)
    const env = { PATH: process.env['PATH'], CA: world.authority.ca, CERT: cert, KEY: key }
    const { stdout } = await promisify(execFile)(process.execPath, ['program.mjs'], { cwd: folder, timeout: 60_000, env })
    expect(stdout.trimEnd().split('\n')).toEqual([...program.matchAll(/\/\/ → (.*)$/gm)].map((match) => match[1]))
  } finally {
    await rm(folder, { recursive: true })
  }
}, 100_000)

it('there are two programs', () => {
  expect(programs).toHaveLength(2)
})
