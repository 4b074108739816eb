/** The programs of docs/guides/grpc.md print what they state. */

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const libraries = join(dirname(fileURLToPath(import.meta.url)), '../..')
const page = await readFile(join(libraries, '../../docs/guides/grpc.md'), 'utf8')
const [service, ...programs] = [...page.matchAll(/```js[^\n]*\n(.*?)```/gs)].map((match) => match[1]!)

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

it('there are two programs', () => {
  expect(programs).toHaveLength(2)
})
