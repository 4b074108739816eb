import { ConnectError, ResponseError, StreamError, TimeoutError, UnshardError, UsageError } from '../src/index.js'

describe('errors', () => {
  it('a usage error says that nothing was sent', () => {
    const error = new UsageError('ERR_INVALID_METHOD', 'method "G T" is not a token')
    expect(error).toBeInstanceOf(UnshardError)
    expect(error).toMatchObject({ name: 'UsageError', code: 'ERR_INVALID_METHOD', processed: 'no' })
  })

  it('a connect error names its phase and keeps its cause', () => {
    const cause = new Error('refused')
    const error = new ConnectError('tcp', 'connect refused', { origin: 'https://a.example', cause })
    expect(error).toMatchObject({ code: 'ERR_CONNECT_TCP', phase: 'tcp', origin: 'https://a.example', processed: 'no', cause })
  })

  it('a timeout names its phase, its limit and its origin', () => {
    const error = new TimeoutError('headers', 1500, { origin: 'https://a.example' })
    expect(error.message).toBe('headers timeout after 1500 ms (https://a.example)')
    expect(error).toMatchObject({ code: 'ERR_TIMEOUT_HEADERS', ms: 1500, processed: 'unknown' })
  })

  it('a stream error says who ended it and with which code', () => {
    const error = new StreamError('ERR_PEER_RESET', 'reset', { initiator: 'peer', errorCode: 7, processed: 'no' })
    expect(error).toMatchObject({ initiator: 'peer', errorCode: 7, processed: 'no' })
  })

  it('a response error means that the server has acted', () => {
    expect(new ResponseError('ERR_MALFORMED_RESPONSE', 'no :status').processed).toBe('yes')
  })
})
