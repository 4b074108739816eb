/**
 * Requests while a test runner's fake timers are installed, afterwards, and when they are installed
 * again: our timers are never faked.
 */

import { CALLS, runnersFixture } from './fixture.js'

const fixture = runnersFixture()
const SINON = `
  import sinon from 'sinon'
  import * as unshard from 'unshard'
  ${CALLS}
  const calls = callsOf(unshard, process.env)
  async function faked(options, path) {
    const clock = sinon.useFakeTimers(options)
    await calls.rounds(path)
    clock.tick(3_600_000)
    await calls.rounds(path)
    await calls.deadline()
    clock.restore()
    await calls.rounds()
  }`
const done = { code: 0, output: 'done\n' }

it('sinon: connections work, hours of fake time have no effect, deadlines pass in real time', async () => {
  const program = `${SINON}
    await faked({ toNotFake: ['nextTick'] })
    await faked({ toNotFake: ['nextTick'], now: 5e12 })
    await calls.close()
    console.log('done')`
  await fixture.write('program.mjs', program)
  expect(await fixture.run('node', 'program.mjs')).toEqual(done)
}, 60_000)

it("sinon with its defaults, which fake nextTick too: everything works except Node's decoders", async () => {
  const program = `${SINON}
    await faked({}, '')
    await faked({ now: 5e12 }, '')
    await calls.close()
    console.log('done')`
  await fixture.write('program.mjs', program)
  expect(await fixture.run('node', 'program.mjs')).toEqual(done)
}, 60_000)

it("sinon with its defaults: Node's own sockets wait for nextTick when they dial an IP address, so that dial times out, and later dials succeed", async () => {
  const program = `${SINON}
    const client = unshard.createClient({ timeouts: { connect: 300 } })
    const clock = sinon.useFakeTimers()
    const error = await client.request({ url: 'http://127.0.0.1:' + process.env.H1 }).catch((error) => error)
    clock.restore()
    await client.close()
    console.log(error.code)
    await faked({ toNotFake: ['nextTick'] })
    await calls.close()`
  await fixture.write('program.mjs', program)
  expect(await fixture.run('node', 'program.mjs')).toEqual({ code: 0, output: 'ERR_TIMEOUT_CONNECT\n' })
}, 60_000)

it('sinon: fake timers installed before the package is loaded', async () => {
  const program = `
    import sinon from 'sinon'
    const clock = sinon.useFakeTimers({ toNotFake: ['nextTick'] })
    const unshard = await import('unshard')
    ${CALLS}
    const calls = callsOf(unshard, process.env)
    await calls.rounds()
    clock.tick(3_600_000)
    await calls.deadline()
    clock.restore()
    await calls.rounds()
    await calls.close()
    console.log('done')`
  await fixture.write('program.mjs', program)
  expect(await fixture.run('node', 'program.mjs')).toEqual(done)
}, 60_000)

it("node:test's mock.timers", async () => {
  const program = `
    import { mock } from 'node:test'
    import * as unshard from 'unshard'
    ${CALLS}
    const calls = callsOf(unshard, process.env)
    for (let i = 0; i < 2; i++) {
      mock.timers.enable()
      await calls.rounds()
      mock.timers.tick(3_600_000)
      await calls.deadline()
      mock.timers.reset()
      await calls.rounds()
    }
    await calls.close()
    console.log('done')`
  await fixture.write('program.mjs', program)
  const { code, output } = await fixture.run('node', '--no-warnings', 'program.mjs')
  expect({ code, output }).toEqual(done)
}, 60_000)
