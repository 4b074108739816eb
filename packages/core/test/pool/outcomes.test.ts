/** The facts that the pool learns from requests that failed. */

import { FakeClock } from '@unshard/testkit'
import { ConnectionError } from '../../src/errors/errors.js'
import { sameOrigin } from '../../src/index.js'
import { FakeCall, type FakeConnection, FakeConnector, type FakeOptions, poolOf, targetOf, turn } from './fakes.js'

const lost = new ConnectionError('ERR_CONNECTION_LOST', 'lost', { initiator: 'peer' })
const HTTP1: FakeOptions = { protocol: 'http/1.1' }

/** A pool with connections to one origin; the first one carries a request. */
async function opened(count: number, options: FakeOptions) {
  const connector = new FakeConnector()
  connector.known = options.protocol ?? 'h2'
  const pool = poolOf(connector, new FakeClock(), sameOrigin())
  const target = targetOf('https://a.example', 'key', { maxConnectionsPerOrigin: count, minConnectionsPerOrigin: count })
  const calls = Array.from({ length: count }, () => new FakeCall())
  for (const call of calls) pool.acquire(target, call)
  await turn()
  const connections: FakeConnection[] = []
  for (const dial of connector.dials) connections.push(await dial.succeed(options))
  for (const connection of connections.slice(1)) if (connection.active > 0) connection.finish()
  const fail = (error: Error): void => {
    const { member } = calls[0]!
    pool.outcomes.failed(member!, error, target)
  }
  return { connector, connections, member: calls[0]!.member!, fail }
}

it('a connection that is lost before its first response counts against its address, if the peer has ended it', async () => {
  for (const options of [{}, HTTP1]) {
    const { connector, connections, fail } = await opened(1, options)
    fail(lost)
    expect(connector.ill).toEqual([])
    connections[0]!.state = 'closed'
    fail(new ConnectionError('ERR_CLIENT_CLOSED', 'closed', { initiator: 'local' }))
    fail(new Error('of the caller'))
    expect(connector.ill).toEqual([])
    fail(lost)
    expect(connector.ill).toHaveLength(1)
  }
})

it('but not if it had a response before', async () => {
  const { connector, connections, member, fail } = await opened(1, HTTP1)
  member.proved = true
  connections[0]!.state = 'closed'
  fail(lost)
  expect(connector.ill).toEqual([])
})

it('and not if it was idle, over HTTP/2 either: its other connections stay', async () => {
  const { connector, connections, fail } = await opened(2, {})
  connections[0]!.wasIdle = true
  connections[0]!.state = 'closed'
  fail(lost)
  expect([connector.ill, connections[1]!.closes]).toEqual([[], 0])
})

it('a connection that was idle counts against its address if TCP gave up the path', async () => {
  const { connector, connections, fail } = await opened(1, HTTP1)
  connections[0]!.wasIdle = true
  connections[0]!.state = 'closed'
  const cause = Object.assign(new Error('read ETIMEDOUT'), { code: 'ETIMEDOUT' })
  fail(new ConnectionError('ERR_CONNECTION_LOST', 'lost', { initiator: 'peer', cause }))
  expect(connector.ill).toHaveLength(1)
})

it('if an idle HTTP/1.1 connection is lost, the other idle ones are closed, and those with requests stay', async () => {
  const { connector, connections, fail } = await opened(3, HTTP1)
  const [first, busy, idle] = connections
  busy!.request({} as never, new FakeCall())
  first!.wasIdle = true
  first!.state = 'closed'
  fail(lost)
  expect([connector.ill, busy!.closes, idle!.closes]).toEqual([[], 0, 1])
})
