/** A whole turn of the event loop, for all who ask in one. */

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterEventLoopTurn } from '../../src/runtime/event-loop-turn.js'

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

it('all who ask in one turn are told together, in order; who asks later is told later', async () => {
  const told: string[] = []
  afterEventLoopTurn(() => told.push('one'))
  afterEventLoopTurn(() => {
    told.push('two')
    afterEventLoopTurn(() => told.push('later'))
  })
  await immediate()
  expect(told).toEqual([])
  await immediate()
  expect(told).toEqual(['one', 'two'])
  await immediate()
  await immediate()
  expect(told).toEqual(['one', 'two', 'later'])
})

it('what lay in a socket when somebody asked has been read when it is told, wherever in a turn that was', async () => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1')
  const [peer] = (await once(server, 'connection')) as [import('node:net').Socket]
  let heard = 0
  socket.on('data', ({ length }) => {
    heard += length
  })
  const ask = (): Promise<number> => new Promise((resolve) => afterEventLoopTurn(() => resolve(heard)))
  const moments: ((ask: () => void) => void)[] = [(now) => now(), setImmediate, (now) => setTimeout(now), process.nextTick]
  for (const [round, moment] of moments.entries()) {
    // The kernel has it before the call returns.
    await new Promise<void>((resolve) => peer.write('x', () => resolve()))
    expect(await new Promise<number>((resolve) => moment(() => void ask().then(resolve)))).toBe(round + 1)
  }
  socket.destroy()
  peer.destroy()
  server.close()
})

it('who throws ends nobody else’s wait', async () => {
  const module = pathToFileURL(fileURLToPath(new URL('../../dist/runtime/event-loop-turn.js', import.meta.url))).href
  const script = `
    import { afterEventLoopTurn } from '${module}'
    process.on('uncaughtException', ({ message }) => console.log(message))
    afterEventLoopTurn(() => { throw new Error('one') })
    afterEventLoopTurn(() => console.log('two'))
    afterEventLoopTurn(() => { throw new Error('three') })
    afterEventLoopTurn(() => console.log('four'))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  expect(stdout.trim().split('\n')).toEqual(['one', 'two', 'three', 'four'])
})
