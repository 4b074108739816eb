/** Idle connections: the memory that they release, and that they are known to have been idle. */

import { Duplex } from 'node:stream'
import { FakeClock } from '@unshard/testkit'
import { H2Connection } from '../../src/h2/connection.js'
import { WindowBudget } from '../../src/h2/protocol/window.js'
import { parseOrigin } from '../../src/message/origin.js'
import { checkRequest } from '../../src/message/request.js'
import { originRecord, POOL } from '../fixtures.js'
import { LOCAL, response, settings, settingsAck } from './protocol/peer.js'

it('the slab of a hundred requests is released at the end of a turn without requests', async () => {
  const slabs: number[] = []
  const socket = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, callback) => {
      slabs.push(chunk.buffer.byteLength)
      callback()
    },
  })
  const options = { settings: LOCAL, budget: new WindowBudget(0), clock: new FakeClock(), pool: POOL, record: originRecord() }
  const connection = new H2Connection(socket, { origin: parseOrigin('http://127.0.0.1'), addresses: [] } as never, options)
  const observer = { onResponse: () => undefined, onClosed: () => undefined, onError: () => undefined } as never
  const get = (path: string) => connection.request(checkRequest({ url: `http://127.0.0.1${path}` }), observer)
  socket.push(Buffer.concat([settings({}), settingsAck()]))
  for (let i = 0; i < 100; i++) get(`/${'~'.repeat(200)}`)
  await new Promise(setImmediate)
  const busySlabBytes = slabs.at(-1)!
  for (let i = 0; i < 100; i++) socket.push(response(1 + 2 * i, [], { endStream: true }))
  await new Promise(setImmediate)
  expect(connection.active).toBe(0)
  get('/')
  await new Promise(setImmediate)
  expect([busySlabBytes > 8_192, slabs.at(-1)]).toEqual([true, 2_048])
  connection.destroy(new Error('over'))
})

it.each([
  ['after SETTINGS', true],
  ['not without SETTINGS, because its server may be ill', false],
])('a connection that is verified before a request was idle, %s', async (_title, confirmed) => {
  const socket = new Duplex({ read: () => undefined, write: (_chunk, _encoding, callback) => callback() })
  const clock = new FakeClock()
  const options = { settings: LOCAL, budget: new WindowBudget(0), clock, pool: POOL, record: originRecord() }
  const connection = new H2Connection(socket, { origin: parseOrigin('http://127.0.0.1'), addresses: [] } as never, options)
  if (confirmed) socket.push(Buffer.concat([settings({}), settingsAck()]))
  await new Promise(setImmediate)
  expect([connection.verify(), connection.wasIdle]).toEqual([true, false])
  clock.advance(1_000)
  expect([connection.verify(), connection.wasIdle]).toEqual([false, confirmed])
  connection.destroy(new Error('over'))
})

it('a connection was not idle while bytes arrive: requests that waited for SETTINGS are its first', async () => {
  const socket = new Duplex({ read: () => undefined, write: (_chunk, _encoding, callback) => callback() })
  const clock = new FakeClock()
  const options = { settings: LOCAL, budget: new WindowBudget(0), clock, pool: POOL, record: originRecord() }
  const connection = new H2Connection(socket, { origin: parseOrigin('http://127.0.0.1'), addresses: [] } as never, options)
  clock.advance(1_000)
  let verified: boolean | undefined
  connection.onChange = () => {
    verified ??= connection.verify()
  }
  socket.push(settings({}))
  await new Promise(setImmediate)
  expect([verified, connection.wasIdle]).toEqual([false, false])
  connection.destroy(new Error('over'))
})

it('a connection that is given up for silence does not count as idle', async () => {
  const socket = new Duplex({ read: () => undefined, write: (_chunk, _encoding, callback) => callback() })
  const clock = new FakeClock()
  const options = { settings: LOCAL, budget: new WindowBudget(0), clock, pool: POOL, record: originRecord() }
  const connection = new H2Connection(socket, { origin: parseOrigin('http://127.0.0.1'), addresses: [] } as never, options)
  socket.push(Buffer.concat([settings({}), settingsAck()]))
  await new Promise(setImmediate)
  clock.advance(1_000)
  connection.verify()
  const lost = new Promise<Error>((resolve) => {
    const observer = { onResponse: () => undefined, onClosed: () => undefined, onError: resolve } as never
    connection.request(checkRequest({ url: 'http://127.0.0.1/' }), observer)
  })
  for (let second = 0; second < 60; second++) {
    clock.advance(1_000)
    await new Promise(setImmediate)
  }
  expect((await lost).message).toContain('no PING acknowledgment')
  expect(connection.wasIdle).toBe(false)
})
