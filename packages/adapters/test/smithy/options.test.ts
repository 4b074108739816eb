/** Options of the handler, and what the SDK reads and changes of them. */

import { coalescing } from '@unshard/coalescing'
import { UsageError } from '@unshard/core'
import { type RequestHandlerOptions, requestHandler } from '../../src/smithy/index.js'
import { smithyFixture } from './fixture.js'

const { client } = smithyFixture()

it.each<[object, string, string]>([
  [{ httpAgent: {} }, 'ERR_UNKNOWN_OPTION', 'proxy, lookup'],
  [{ httpsAgent: {} }, 'ERR_UNKNOWN_OPTION', 'httpsAgent of requestHandler(): use the options of createClient() instead: tls'],
  [{ maxConcurrentStreams: 1 }, 'ERR_UNKNOWN_OPTION', 'requests above the limit of the server wait'],
  [{ disableConcurrentStreams: true }, 'ERR_UNKNOWN_OPTION', "protocols: ['http/1.1']"],
  [{ nodeHttp2ConnectOptions: {} }, 'ERR_UNKNOWN_OPTION', 'tls and lookup'],
  [{ sessionTimeout: 1 }, 'ERR_UNKNOWN_OPTION', 'idleTimeoutMs'],
  [{ socketAcquisitionWarningTimeout: 1 }, 'ERR_UNKNOWN_OPTION', 'timeouts.queue'],
  [async () => ({}), 'ERR_INVALID_OPTION', 'requestHandler() takes an object of options'],
  [{ requestTimeoutMs: 1 }, 'ERR_UNKNOWN_OPTION', 'did you mean "requestTimeout"?'],
  [{ requestTimeout: -1 }, 'ERR_INVALID_OPTION', 'requestTimeout'],
  [{ connectionTimeout: '1' }, 'ERR_INVALID_OPTION', 'connectionTimeout'],
  [{ socketTimeout: 0.5 }, 'ERR_INVALID_OPTION', 'socketTimeout'],
  [{ throwOnRequestTimeout: 1 }, 'ERR_INVALID_OPTION', 'throwOnRequestTimeout'],
  [{ logger: 'console' }, 'ERR_INVALID_OPTION', 'logger'],
  [{ clock: {} }, 'ERR_INVALID_OPTION', 'clock'],
])('refuses %j', (options, code, message) => {
  const create = (): unknown => requestHandler(client(), options as RequestHandlerOptions)
  expect(create).toThrow(UsageError)
  expect(create).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) as string }) as Error)
})

it('refuses what is not a client', () => {
  expect(() => requestHandler({} as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
})

it('has the members that the SDK looks for', () => {
  const handler = requestHandler(client({ reuse: coalescing() }), { requestTimeout: 1_000, socketTimeout: 0 })
  // The SDK signs `host` for this protocol, and `:authority` for one that is named h2.
  expect(handler.metadata).toEqual({ handlerProtocol: 'http/1.1' })
  expect(handler.httpHandlerConfigs()).toEqual({ requestTimeout: 1_000, socketTimeout: 0 })
})

it('updateHttpClientConfig() changes one option, and keeps the logger that was given', () => {
  const own = { warn: () => undefined }
  const handler = requestHandler(client())
  handler.updateHttpClientConfig('requestTimeout', 7)
  handler.updateHttpClientConfig('connectionTimeout', 8)
  expect(handler.httpHandlerConfigs()).toEqual({ requestTimeout: 7, connectionTimeout: 8 })
  handler.updateHttpClientConfig('requestTimeout', undefined)
  for (const nothing of [undefined, null]) handler.updateHttpClientConfig(Symbol.for('logger'), nothing)
  expect(handler.httpHandlerConfigs()).toEqual({ connectionTimeout: 8 })
  handler.updateHttpClientConfig(Symbol.for('logger'), own)
  handler.updateHttpClientConfig(Symbol.for('logger'), console)
  // The default of a service must not limit the other services that share the handler.
  handler.updateHttpClientConfig(Symbol.for('@smithy/defaultSocketTimeout'), 300_000)
  expect(handler.httpHandlerConfigs()).toEqual({ connectionTimeout: 8, logger: own })
  expect(() => handler.updateHttpClientConfig('httpAgent', {})).toThrow(expect.objectContaining({ code: 'ERR_UNKNOWN_OPTION' }))
  expect(() => handler.updateHttpClientConfig('requestTimeout', 'soon')).toThrow(UsageError)
})
