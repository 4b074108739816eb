/** Requests that wait, connections in doubt, handles: everything ends, and nothing is left. */

import { frames, type ScriptedConnection } from '@unshard/testkit'
import { rig } from './rig.js'

const world = rig()
const { client, peer } = world

async function serve(p: ScriptedConnection): Promise<never> {
  for (;;) p.respond((await p.nextRequest()).streamId, 204)
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate)
}

describe('waitForSettings, and a connection for one request alone', () => {
  const headers = { connection: 'close' }

  it('nothing is sent before they have come', async () => {
    let before = -1
    const scripted = await peer(async (p) => {
      await p.preface()
      for (let i = 0; i < 20; i++) await new Promise(setImmediate)
      before = p.received.filter(({ typeName }) => typeName === 'HEADERS').length
      p.send(frames.settings({}), frames.settingsAck())
      await serve(p)
    })
    const one = client({ waitForSettings: true })
    const { status } = await one.request({ url: `https://a.test.example:${scripted.port}/`, headers })
    expect([status, before]).toEqual([204, 0])
    await scripted.peers[0]!.closed
  })

  it('they do not come: an abort, and the end of the connection, end the request', async () => {
    let heard = 0
    const scripted = await peer(async (p) => {
      await p.preface()
      heard++
    })
    const one = client({ waitForSettings: true })
    const abort = new AbortController()
    const url = `https://a.test.example:${scripted.port}/`
    const aborted = expect(one.request({ url, headers, signal: abort.signal })).rejects.toBe('enough')
    await until(() => heard === 1)
    abort.abort('enough')
    await aborted
    await scripted.peers[0]!.closed
    const lost = expect(one.request({ url, headers })).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'no' })
    await until(() => heard === 2)
    scripted.peers[1]!.destroy()
    await lost
  })
})
