/** The origin at the end of an error's message. */

import { textOf } from '../../src/errors/errors.js'
import { ConnectionError, ResponseError } from '../../src/index.js'

const message = (text: string, origin: string): string => new ResponseError('ERR_DECODE', text, { origin }).message

it('the origin stands once at the end of a message', () => {
  expect(message('the content is not valid gzip', 'https://a.example')).toBe('the content is not valid gzip (https://a.example)')
  expect(message('no route to https://a.example: refused', 'https://a.example')).toBe('no route to https://a.example: refused')
})

it.each(['https://a.example.net', 'https://a.example:8443', 'https://a.example-b.net'])(
  'a message about %s does not count as one about https://a.example',
  (other) => {
    expect(message(`redirected to ${other}`, 'https://a.example')).toBe(`redirected to ${other} (https://a.example)`)
  },
)

it('a URL without an origin, whose origin is the text null, adds nothing', () => {
  expect(message('the content does not match integrity', new URL('data:,x').origin)).toBe('the content does not match integrity')
})

it('a copy for a request of another origin names only that origin', () => {
  const lost = new ConnectionError('ERR_CONNECTION_LOST', 'the connection was closed', {
    origin: 'https://a.example',
    initiator: 'peer',
  })
  const copy = new ConnectionError('ERR_CONNECTION_LOST', textOf(lost), { origin: 'https://b.example', initiator: 'peer' })
  expect(copy.message).toBe('the connection was closed (https://b.example)')
  expect(textOf(new Error('closed (https://a.example)'))).toBe('closed (https://a.example)')
})
