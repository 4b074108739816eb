/** The example of docs/testing.md runs as it stands. */

import { docsStage } from './stage.js'

const stage = docsStage('docs/testing.md', () => undefined)

it('a client whose server is a function', async () => {
  expect(await stage.play(stage.examples[0]!)).toBe('hello from https://api.example/a\n{ got: { n: 1 } }\n1\n')
  expect(stage.origin.connections).toBe(0)
})
