/** Real clients of Google Cloud over `channelFactory()`, which their libraries pass on to `@grpc/grpc-js`. */

import { fileURLToPath } from 'node:url'
import { testWorld } from '@unshard/testkit'
import { NODES, runOn } from '../nodes.js'

const world = testWorld()
const program = fileURLToPath(new URL('./programs/google-cloud.mjs', import.meta.url))

it.each(NODES.map((node) => [node.major, node] as const))(
  'clients of Secret Manager and Cloud Tasks share one connection: Node.js %i',
  async (_major, node) => {
    const { cert, key } = await world.tls()
    const names = Array.from({ length: 6 }, (_, i) => `projects/p/secrets/${i}`)
    expect(await runOn(node, program, [], { CA: world.authority.ca, CERT: cert, KEY: key })).toEqual({
      secret: ['projects/p/secrets/s/versions/1', 'hidden'],
      missing: [5, 'projects/p/secrets/missing/versions/1 not found'],
      listed: names,
      iterated: names,
      created: ['projects/p/locations/l/queues/q/tasks/1'],
      authorizations: ['Bearer token'],
      connections: 1,
    })
  },
  100_000,
)
