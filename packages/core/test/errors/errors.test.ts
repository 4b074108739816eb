/** Errors: codes, phases, causes, and whether the server may have processed the request. */

import { afterAttempt } from '../../src/errors/errors.js'
import {
  ConnectError,
  ConnectionError,
  ResponseError,
  StreamError,
  TimeoutError,
  UnshardError,
  UsageError,
} from '../../src/index.js'

describe('errors', () => {
  it('a usage error states that nothing was sent', () => {
    const error = new UsageError('ERR_INVALID_METHOD', 'method "G T" is not a token')
    expect(error).toBeInstanceOf(UnshardError)
    expect(error).toMatchObject({ name: 'UsageError', code: 'ERR_INVALID_METHOD', processed: 'no' })
  })

  it('a connect error has its phase and its cause', () => {
    const cause = new Error('refused')
    const error = new ConnectError('tcp', 'connect refused', { origin: 'https://a.example', cause })
    expect(error).toMatchObject({ code: 'ERR_CONNECT_TCP', phase: 'tcp', origin: 'https://a.example', processed: 'no', cause })
  })

  it.each([
    ['tcp', 'ECONNREFUSED', { errno: -111, syscall: 'connect' }],
    ['resolve', 'ENOTFOUND', { errno: -3008, syscall: 'getaddrinfo' }],
    ['resolve', 'EAI_AGAIN', { errno: -3001, syscall: 'getaddrinfo' }],
    ['tls', 'CERT_HAS_EXPIRED', {}],
    ['tls', 'ERR_TLS_CERT_ALTNAME_INVALID', {}],
    ['tls', 'ERR_SSL_WRONG_VERSION_NUMBER', {}],
    ['tls', 'ECONNRESET', {}],
    ['proxy', 'ECONNREFUSED', { errno: -111, syscall: 'connect' }],
  ] as const)('a connect error of phase %s has the code of the system error in its causes: %s', (phase, code, details) => {
    const system = Object.assign(new Error('failed'), { code, ...details })
    for (const cause of [system, new ConnectError('tcp', 'x', { cause: system }), new Error('wrapped', { cause: system })]) {
      const error = new ConnectError(phase, 'failed', { cause })
      expect(error).toMatchObject({ code, phase, processed: 'no', ...details })
      expect(afterAttempt(error)).toMatchObject({ code, phase, processed: 'unknown', ...details })
    }
    // A more specific code is kept.
    expect(new ConnectError(phase, 'x', { cause: system, code: 'ERR_TLS_PIN' }).code).toBe('ERR_TLS_PIN')
  })

  it.each(['ECONNRESET', 'EPIPE', 'ETIMEDOUT'])('the error of a lost connection has the code of its socket: %s', (code) => {
    const cause = Object.assign(new Error('gone'), { code, errno: -1, syscall: 'read' })
    const error = new ConnectionError('ERR_CONNECTION_LOST', 'lost', { initiator: 'peer', cause })
    expect(error).toMatchObject({ code, errno: -1, syscall: 'read', initiator: 'peer' })
    expect(new ConnectionError('ERR_PROTOCOL', 'bad', { initiator: 'local', cause }).code).toBe('ERR_PROTOCOL')
  })

  it.each([
    undefined,
    null,
    'ECONNRESET',
    {},
    { code: 5 },
    { code: '' },
    { code: 'UND_ERR_SOCKET' },
    { code: 'HPE_INVALID' },
    { code: 'ERR_STREAM_DESTROYED' },
  ])('an error without a system error in its causes has our code: %p', (cause) => {
    const error = new ConnectionError('ERR_CONNECTION_LOST', 'lost', { initiator: 'peer', cause })
    expect(error.code).toBe('ERR_CONNECTION_LOST')
    expect(Object.keys(error)).not.toContain('errno')
  })

  it('causes that form a cycle are followed a limited number of times', () => {
    const cyclic = new Error('a')
    cyclic.cause = cyclic
    expect(new ConnectError('tcp', 'x', { cause: cyclic }).code).toBe('ERR_CONNECT_TCP')
  })

  it('a timeout error has its phase, its limit and its origin', () => {
    const error = new TimeoutError('headers', 1500, { origin: 'https://a.example' })
    expect(error.message).toBe('headers timeout after 1500 ms (https://a.example)')
    expect(error).toMatchObject({ code: 'ERR_TIMEOUT_HEADERS', ms: 1500, processed: 'unknown' })
  })

  it('a stream error has the initiator and the error code', () => {
    const error = new StreamError('ERR_STREAM_RESET', 'reset', { initiator: 'peer', errorCode: 7, processed: 'no' })
    expect(error).toMatchObject({ initiator: 'peer', errorCode: 7, processed: 'no' })
  })

  it('a response error states that the server has processed the request', () => {
    expect(new ResponseError('ERR_MALFORMED_RESPONSE', 'no :status').processed).toBe('yes')
  })

  it.each([
    new ConnectError('tcp', 'refused', { origin: 'https://a.example', cause: 'c', code: 'ERR_TLS_PIN' }),
    new ConnectError('proxy', 'no', { origin: 'https://a.example', cause: 'c', code: 'ERR_PROXY_AUTHENTICATION', status: 407 }),
    new TimeoutError('total', 5, { origin: 'https://a.example', cause: 'c', processed: 'no' }),
    new UsageError('ERR_INVALID_URL', 'wrong', { origin: 'https://a.example', cause: 'c' }),
    new ConnectionError('ERR_PROTOCOL', 'lost', {
      origin: 'https://a.example',
      cause: 'c',
      initiator: 'peer',
      errorCode: 7,
      processed: 'no',
    }),
    new StreamError('ERR_STREAM_RESET', 'reset', {
      origin: 'https://a.example',
      cause: 'c',
      initiator: 'peer',
      errorCode: 7,
      processed: 'no',
    }),
  ])('after an attempt that may have been processed, %s has the outcome unknown and keeps its other properties', (error) => {
    const after = afterAttempt(error)
    expect(after).not.toBe(error)
    expect(after.constructor).toBe(error.constructor)
    expect({ ...after, message: after.message }).toEqual({ ...error, message: error.message, processed: 'unknown' })
    expect(error.processed).toBe('no')
  })

  it('an error whose outcome is unknown, or that is not ours, is returned unchanged', () => {
    for (const error of [
      new ResponseError('ERR_DECODE', 'x'),
      new Error('x'),
      new UnshardError('ERR_X', 'x', { processed: 'no' }),
    ]) {
      expect(afterAttempt(error)).toBe(error)
    }
  })
})
