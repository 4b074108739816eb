/** Transports of connect-web over our `fetch`: the newest version, and the oldest that is still used. */

import { testWorld } from '@unshard/testkit'
import { casesOf, runFamily, TIMEOUT_MS } from './fixture.js'
import { connectServer } from './servers/connect-web.js'

const world = testWorld()

const CALLS = {
  unary: 'Ada',
  large: 500_000,
  stream: '1 2 3 ',
  error: 'InvalidArgument: a wrong name',
  errorOfStream: 'ResourceExhausted: no more',
  missing: 'Unimplemented: test.v1.TestService.Missing is not implemented',
  headers: 'b',
  timeout: 'DeadlineExceeded: the operation timed out',
  abortWhileWaiting: 'Canceled: This operation was aborted',
  abortBody: 'Canceled: This operation was aborted',
  // With any fetch: `unshard/connect` says Unavailable.
  refused: 'Unknown: fetch failed',
}
const EXPECTED = Object.fromEntries(
  Object.entries(CALLS).flatMap(([check, outcome]) => ['connect', 'grpcWeb'].map((kind) => [`${check} over ${kind}`, outcome])),
)

it.each(casesOf(['@connectrpc/connect-web', '@connectrpc/connect-web-1']))(
  '$name works over our fetch, on Node.js $major',
  async (each) => {
    // @ts-expect-error a program without types
    const { Service } = await import('../connect/programs/service.mjs')
    expect(await runFamily(world, 'connect-web', each, connectServer(Service as never))).toEqual(EXPECTED)
  },
  TIMEOUT_MS,
)
