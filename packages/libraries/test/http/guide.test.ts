/** The examples of docs/guides/http.md print what they state. */

import { type OriginHandler, testWorld } from '@unshard/testkit'
import { examplesOf, runExample, statedIn } from '../examples.js'
import { NODES } from '../nodes.js'

const world = testWorld()
const handler: OriginHandler = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end('["Ada","Grace","Joan"]')
}
const examples = examplesOf('http')
// got 16 needs Node.js 22.
const node = NODES.find(({ major }) => major === 24)

if (node === undefined) it.todo('not run: Node.js 24 is not installed')
else {
  it.each(examples.map((example, i) => [i + 1, example] as const))('example %i', async (_number, example) => {
    const { port } = await world.server({ handler, tls: await world.tls('*.example.com') })
    // A connection is shared if its address has the port of the URL.
    const program = example.replaceAll('.example.com', `.example.com:${port}`)
    expect(await runExample(node, program, { port, ca: world.authority.ca })).toEqual(statedIn(example))
  })
}

it('there are four examples', () => {
  expect(examples).toHaveLength(4)
})
