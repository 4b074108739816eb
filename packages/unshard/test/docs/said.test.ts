/** Examples on pages that state their output: `// → …`, in that order. */

import { docsStage, examplesOf } from './stage.js'

describe.each(['docs/streams.md', 'docs/undici.md'])('%s', (page) => {
  const stage = docsStage(page)

  it.each(examplesOf(page).map((example, i) => [i + 1, example] as const))(
    'example %i prints the stated output',
    async (_number, example) => {
      const said = [...example.matchAll(/\/\/ → (.*)$/gm)].map((match) => match[1]!)
      expect(said.length).toBeGreaterThan(0)
      expect((await stage.play(example)).trimEnd().split('\n')).toEqual(said)
    },
  )
})
