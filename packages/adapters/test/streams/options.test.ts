/** Unknown options of a transfer are refused before anything is opened or sent. */

import { PassThrough, Readable } from 'node:stream'
import type { Client } from '@unshard/core'
import { openDuplex, openWebDuplex, pipeline, pull, receiveFile, sendFile } from '../../src/streams/index.js'
import { Dispatcher } from '../../src/undici/index.js'
import { testEnvironment } from '../environment.js'

const { client, server } = testEnvironment()

const TRANSFERS: [string, (client: Client, options: never) => unknown][] = [
  ['openDuplex', (one, options) => openDuplex(one, options)],
  ['openWebDuplex', (one, options) => openWebDuplex(one, options)],
  ['pipeline', (one, options) => pipeline(one, options, Readable.from(['x']), new PassThrough())],
  ['pull', (one, options) => pull(one, options)],
  ['receiveFile', (one, options) => receiveFile(one, options, '/nowhere/file')],
  ['sendFile', (one, options) => sendFile(one, '/nowhere/file', options)],
]

describe.each(TRANSFERS)('%s', (name, transfer) => {
  it.each([
    [{ timeout: 5 }, '"timeout"'],
    [{ onprogress: () => undefined }, '"onprogress"'],
    [{ undefinedIsNamedToo: undefined }, '"undefinedIsNamedToo"'],
  ])('refuses %p', async (member, shown) => {
    const { port, requests } = await server()
    const options = { url: `https://a.test.example:${port}/`, method: 'POST', ...member } as never
    await expect((async () => transfer(client(), options))()).rejects.toMatchObject({
      code: 'ERR_UNKNOWN_OPTION',
      processed: 'no',
      message: expect.stringMatching(`${shown}.*${name}`),
    })
    expect(requests).toEqual([])
  })

  it.each([null, 5, 'text'])('refuses %j instead of options', async (options) => {
    await expect((async () => transfer(client(), options as never))()).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
  })
})

it('a dispatcher with a client accepts no client options', () => {
  expect(() => new Dispatcher({ client: client(), tls: {} } as never)).toThrow(/"tls" of a dispatcher with a client/)
  expect(() => new Dispatcher({ conections: 1 } as never)).toThrow(/"conections".*"connections"/)
})
