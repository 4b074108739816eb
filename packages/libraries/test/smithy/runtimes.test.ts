/** The handler works under other runtimes that have Node's modules. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { OriginHandler } from '@unshard/testkit'
import { runProgram } from '../nodes.js'
import { RUNTIMES } from '../runtimes.js'
import { PROTOCOLS, smithyWorld } from './fixture.js'
import { collect } from './s3-server.js'
import { verify } from './signature.js'

const { world, server } = smithyWorld()
const program = fileURLToPath(new URL('./programs/dynamodb.mjs', import.meta.url))

it.each(PROTOCOLS.flatMap(([protocol]) => RUNTIMES.map((runtime) => ({ ...runtime, protocol }))))(
  'DynamoDB is called over $protocol under $name',
  async ({ path, args, protocol }) => {
    let item = ''
    const handler: OriginHandler = async (request, response) => {
      const { content } = verify(request, await collect(request), 'dynamodb')
      const isPut = String(request.headers['x-amz-target']).endsWith('.PutItem')
      if (isPut) item = JSON.stringify({ Item: (JSON.parse(content.toString()) as { Item: object }).Item })
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end(isPut ? '{}' : item)
    }
    const { port } = await server({ handler, protocols: [protocol] })
    // Deno keeps a cache there.
    const folder = await mkdtemp(join(tmpdir(), 'unshard-runtime-'))
    world.defer(() => rm(folder, { recursive: true }))
    const env = { HOME: folder, CA: world.authority.ca, PORT: String(port), PROTOCOL: protocol }
    const output = await runProgram({ path, major: 0 }, [...args, program], env)
    expect(JSON.parse(output)).toEqual({ text: 'contént', connections: [protocol] })
  },
  100_000,
)
