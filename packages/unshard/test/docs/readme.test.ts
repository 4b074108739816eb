/** The README's examples run unchanged. */

import { docsStage } from './stage.js'

const stage = docsStage('README.md', (_request, response) => void response.end('hello'))

it('fetch: at most ten lines, and it prints what its comments say', async () => {
  const [example] = stage.examples
  expect(example!.trim().split('\n').length).toBeLessThanOrEqual(10)
  const printed = await stage.play(example!)
  expect(printed).toMatch(/^200 /)
  expect(printed).toContain('5 characters')
  expect(printed).toContain("protocol: 'h2'")
})

it('coalescing: at most fifteen lines, and it shows the connection of each request', async () => {
  const [, example] = stage.examples
  expect(example!.trim().split('\n').length).toBeLessThanOrEqual(15)
  const printed = await stage.play(example!)
  expect(printed).toContain('en.wikipedia.org: h2 connection #1, its own (first-connection)')
  expect(printed).toContain('commons.wikimedia.org: h2 connection #1, shared (address-and-certificate)')
  expect(printed).toContain('dials: 1')
  expect(stage.origin.connections).toBe(1)
})
