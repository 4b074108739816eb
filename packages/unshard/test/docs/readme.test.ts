/** The READMEs: their examples run unchanged, and their numbers are those of recorded benchmarks. */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { OriginHandler } from '@unshard/testkit'
import { docsStage } from './stage.js'

const root = fileURLToPath(new URL('../../../..', import.meta.url))
const hello: OriginHandler = (_request, response) => void response.end('hello')

describe('the README of the repository', () => {
  const stage = docsStage('README.md', hello)

  it('shows fetch in at most ten lines, with the output that it states', async () => {
    const [example] = stage.examples
    expect(example!.trim().split('\n').length).toBeLessThanOrEqual(10)
    const printed = await stage.play(example!)
    expect(printed).toMatch(/^200 /)
    expect(printed).toContain('5 characters')
    expect(printed).toContain("protocol: 'h2'")
  })

  it('shows in at most fifteen lines which connection served which host', async () => {
    const [, example] = stage.examples
    expect(example!.trim().split('\n').length).toBeLessThanOrEqual(15)
    const printed = await stage.play(example!)
    expect(printed).toContain('en.wikipedia.org: h2 connection #1, its own (first-connection)')
    expect(printed).toContain('commons.wikimedia.org: h2 connection #1, shared (address-and-certificate)')
    expect(printed).toContain('dials: 1')
    expect(stage.origin.connections).toBe(1)
  })
})

describe.each([
  ['packages/unshard/README.md', '200 h2 first-connection\n200 h2 address-and-certificate\n'],
  ['packages/core/README.md', '200 hello\n'],
  ['packages/adapters/README.md', '200\n'],
])('%s', (page, printed) => {
  const stage = docsStage(page, hello)
  it('has one example, which runs in at most ten lines', async () => {
    expect(stage.examples).toHaveLength(1)
    expect(stage.examples[0]!.trim().split('\n').length).toBeLessThanOrEqual(10)
    expect(await stage.play(stage.examples[0]!)).toBe(printed)
  })
})

describe.each(['README.md', 'packages/unshard/README.md'])('the numbers of %s', (page) => {
  const text = readFileSync(`${root}/${page}`, 'utf8')
  const scenarios: Readonly<Record<string, string>> = {
    'small GET, 100 in flight, requests/s': 'small-get',
    'CPU time per small GET, µs': 'small-get',
    'download of 10 MB, MB/s': 'download',
    'TLS handshakes for 40 hosts of one server': 'cold-start',
    '200 requests to them, cold start, ms': 'cold-start',
    'first request of a process, ms': 'import-time',
  }
  it.each(Object.entries(scenarios))('%s: as in benchmarks/%s.json', (title, scenario) => {
    const row = text.split('\n').find((line) => line.startsWith(`| ${title} |`))!
    const numbers = row.match(/(?<=\| )[0-9][0-9.,]*/g)!.slice(title.startsWith('200 ') ? 1 : 0)
    const recorded = JSON.parse(readFileSync(`${root}/docs/contributing/benchmarks/${scenario}.json`, 'utf8')) as { text: string }
    const figures = recorded.text.split(/\s+/)
    expect(numbers.length).toBeGreaterThan(2)
    expect(numbers.filter((number) => !figures.includes(number))).toEqual([])
  })
})
