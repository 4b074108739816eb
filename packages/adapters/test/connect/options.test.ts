/** Options of the transports: names, ranges, and where the options of connect-node are. */

import { Client, UsageError } from '@unshard/core'
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  universalClient,
} from '../../src/connect/index.js'

const baseUrl = 'https://api.example'
const client = new Client()
afterAll(() => client.destroy())

const invalid: [options: object, code: string, message: RegExp][] = [
  [
    { baseUrl, compressMinByte: 1 },
    'ERR_UNKNOWN_OPTION',
    /compressMinByte" of createGrpcTransport\(\): did you mean "compressMinBytes"/,
  ],
  [{ baseUrl, useHttpGet: true }, 'ERR_UNKNOWN_OPTION', /useHttpGet/],
  [
    { baseUrl, httpVersion: '2' },
    'ERR_UNKNOWN_OPTION',
    /httpVersion.*: use the option protocols and cleartextProtocol of createClient/,
  ],
  [{ baseUrl, nodeOptions: {} }, 'ERR_UNKNOWN_OPTION', /use the option tls of createClient/],
  [{}, 'ERR_INVALID_URL', /baseUrl takes an absolute URL without query, not undefined/],
  [{ baseUrl: '/path' }, 'ERR_INVALID_URL', /"\/path"/],
  [{ baseUrl: 'ftp://api.example' }, 'ERR_INVALID_URL', /baseUrl/],
  [{ baseUrl: 'https://api.example/?a=b' }, 'ERR_INVALID_URL', /without query/],
  [{ baseUrl: 5 }, 'ERR_INVALID_URL', /not 5/],
  [{ baseUrl, useBinaryFormat: 'yes' }, 'ERR_INVALID_OPTION', /useBinaryFormat takes true or false, not "yes"/],
  [{ baseUrl, interceptors: [1] }, 'ERR_INVALID_OPTION', /interceptors takes a list of functions/],
  [{ baseUrl, jsonOptions: 1 }, 'ERR_INVALID_OPTION', /jsonOptions takes an object/],
  [{ baseUrl, binaryOptions: null }, 'ERR_INVALID_OPTION', /binaryOptions takes an object/],
  [{ baseUrl, acceptCompression: 'gzip' }, 'ERR_INVALID_OPTION', /acceptCompression takes a list of compressions/],
  [
    { baseUrl, acceptCompression: ['gzip'] },
    'ERR_INVALID_OPTION',
    /acceptCompression takes compressions, such as compressionGzip/,
  ],
  [{ baseUrl, sendCompression: 'gzip' }, 'ERR_INVALID_OPTION', /sendCompression takes compressions/],
  [{ baseUrl, compressMinBytes: -1 }, 'ERR_INVALID_OPTION', /compressMinBytes takes a whole number from 0 to 4294967295/],
  [{ baseUrl, readMaxBytes: 0 }, 'ERR_INVALID_OPTION', /readMaxBytes takes a whole number from 1/],
  [{ baseUrl, writeMaxBytes: 0x1_0000_0000 }, 'ERR_INVALID_OPTION', /writeMaxBytes/],
  [{ baseUrl, defaultTimeoutMs: -1 }, 'ERR_INVALID_OPTION', /defaultTimeoutMs takes milliseconds/],
]

it.each(invalid)('options %j are refused with %s', (options, code, message) => {
  const create = (): unknown => createGrpcTransport(client, options as never)
  expect(create).toThrow(UsageError)
  expect(create).toThrow(message)
  expect(create).toThrow(expect.objectContaining({ code }))
})

it('every option is accepted', () => {
  const options = {
    baseUrl: new URL(baseUrl),
    useBinaryFormat: false,
    interceptors: [],
    jsonOptions: { alwaysEmitImplicit: true },
    binaryOptions: { readUnknownFields: false },
    acceptCompression: [compressionGzip],
    sendCompression: compressionGzip,
    compressMinBytes: 0,
    readMaxBytes: 1,
    writeMaxBytes: 1,
    defaultTimeoutMs: 0,
  }
  for (const create of [createGrpcTransport, createGrpcWebTransport])
    expect(Object.keys(create(client, options))).toEqual(['unary', 'stream'])
  expect(Object.keys(createConnectTransport(client, { ...options, useHttpGet: true }))).toEqual(['unary', 'stream'])
})

it('something other than options, or than a client, is refused', () => {
  expect(() => createConnectTransport(client, undefined as never)).toThrow(
    /createConnectTransport\(\) takes an object of options/,
  )
  expect(() => universalClient({} as Client)).toThrow(UsageError)
  expect(() => createConnectTransport({} as Client, { baseUrl })).toThrow(/option client takes a client/)
})
