import { shown } from '../../src/kernel/trace.js'
import { encodeMessage } from '../../src/tls/messages.js'

const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
const HEADERS_3 = Buffer.from([0, 0, 1, 1, 4, 0, 0, 0, 3, 0x82])
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

it.each([
  ['frames', Buffer.concat([SETTINGS, HEADERS_3]), 'SETTINGS HEADERS:3'],
  ['the first bytes of a client', Buffer.concat([PREFACE, SETTINGS, HEADERS_3]), 'preface SETTINGS HEADERS:3'],
  ['a record of real TLS', Buffer.from([23, 3, 3, 0, 1, 0]), 'TLS application_data'],
  ['text', Buffer.from('HTTP/1.1 200 OK\r\n'), '"HTTP/1.1 200 OK\\r\\n"'],
])('a segment with %s is shown by what it begins with', (_title, bytes, expected) => {
  expect(shown(bytes)).toBe(expected)
})

it('a modelled handshake is shown by its first members', () => {
  const hello = { servername: 'a.sim.example', alpn: ['h2'], ticket: undefined }
  expect(shown(encodeMessage(hello))).toBe('hello {"servername":"a.sim.example","alpn":["h2"]}')
})

it('an unfinished frame is shown by its characters', () => {
  expect(shown(Buffer.from([0, 0]))).toBe('"\\u0000\\u0000"')
})
