/** The examples of docs/guides/web-socket.md print what they state. */

import { echoScript, testWorld, webSocketServer } from '@unshard/testkit'
import { examplesOf, runExample, statedIn } from '../examples.js'
import { NODES } from '../nodes.js'

const world = testWorld()
const examples = examplesOf('web-socket')

it.each(examples.map((example, i) => [i + 1, example] as const))('example %i', async (_number, example) => {
  const { port } = await webSocketServer(world, { h2: true, connectProtocol: true }, echoScript(), '*.example.com')
  // A connection is shared if its address has the port of the URL.
  const program = example.replaceAll('.example.com', `.example.com:${port}`)
  expect(await runExample(NODES[0]!, program, { port, ca: world.authority.ca })).toEqual(statedIn(example))
})

it('there are three examples', () => {
  expect(examples).toHaveLength(3)
})
