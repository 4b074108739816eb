/** The examples of docs/fetch.md run unchanged. */

import { docsStage, examplesOf } from './stage.js'

const page = 'docs/fetch.md'
const stage = docsStage(page)

it('has examples', () => expect(examplesOf(page).length).toBeGreaterThan(3))

it.each(examplesOf(page).map((example, i) => [i + 1, example] as const))('example %i runs', async (_number, example) => {
  expect(await stage.play(example)).not.toBe('')
  expect(stage.origin.requests.length).toBeGreaterThan(0)
})
