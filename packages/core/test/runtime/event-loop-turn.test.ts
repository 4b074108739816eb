/** Callbacks after one complete turn of the event loop. */

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterEventLoopTurn } from '../../src/runtime/event-loop-turn.js'

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

it('callbacks registered in one turn are called together and in order; later ones are called later', async () => {
  const calls: string[] = []
  afterEventLoopTurn(() => calls.push('one'))
  afterEventLoopTurn(() => {
    calls.push('two')
    afterEventLoopTurn(() => calls.push('later'))
  })
  await immediate()
  expect(calls).toEqual([])
  await immediate()
  expect(calls).toEqual(['one', 'two'])
  await immediate()
  await immediate()
  expect(calls).toEqual(['one', 'two', 'later'])
})

it('bytes that were in a socket at the time of the call are read before the callback, at any time in a turn', async () => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1')
  const [peer] = (await once(server, 'connection')) as [import('node:net').Socket]
  let received = 0
  socket.on('data', ({ length }) => {
    received += length
  })
  const receivedAfterTurn = (): Promise<number> => new Promise((resolve) => afterEventLoopTurn(() => resolve(received)))
  const moments: ((receivedAfterTurn: () => void) => void)[] = [
    (now) => now(),
    setImmediate,
    (now) => setTimeout(now),
    process.nextTick,
  ]
  for (const [round, moment] of moments.entries()) {
    // The kernel has the byte before the call returns.
    await new Promise<void>((resolve) => peer.write('x', () => resolve()))
    expect(await new Promise<number>((resolve) => moment(() => void receivedAfterTurn().then(resolve)))).toBe(round + 1)
  }
  socket.destroy()
  peer.destroy()
  server.close()
})

it('a callback that throws does not prevent the others', async () => {
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
