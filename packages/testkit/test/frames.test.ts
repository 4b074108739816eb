// Frames are built and parsed again; for each kind the bytes are written out once, from the figures
// of RFC 9113 §6.
import { contentOf, ErrorCode, FrameFlag, FrameParser, frames, goawayOf, hasFlag, numberOf, settingsOf } from '@unshard/testkit'

const parseOne = (bytes: Buffer) => {
  const parsed = new FrameParser().push(bytes)
  expect(parsed).toHaveLength(1)
  return parsed[0]!
}

test.each<[string, Buffer, string]>([
  ['SETTINGS', frames.settings({ maxConcurrentStreams: 100, 153: 1 }), '00000c 04 00 00000000 0099 00000001 0003 00000064'],
  ['SETTINGS', frames.settingsAck(), '000000 04 01 00000000'],
  ['HEADERS', frames.headers(1, [['a', 'bc']]), '000006 01 04 00000001 00 01 61 02 6263'],
  ['CONTINUATION', frames.continuation(1, Buffer.from([0x88])), '000001 09 04 00000001 88'],
  ['DATA', frames.data(3, 'hi', { endStream: true }), '000002 00 01 00000003 6869'],
  ['DATA', frames.data(3, 'hi', { padding: 2 }), '000005 00 08 00000003 02 6869 0000'],
  ['RST_STREAM', frames.rstStream(5, ErrorCode.CANCEL), '000004 03 00 00000005 00000008'],
  ['GOAWAY', frames.goaway(7, ErrorCode.ENHANCE_YOUR_CALM, 'why'), '00000b 07 00 00000000 00000007 0000000b 776879'],
  ['PING', frames.ping(Buffer.from('12345678'), true), '000008 06 01 00000000 3132333435363738'],
  ['WINDOW_UPDATE', frames.windowUpdate(1, 65_536), '000004 08 00 00000001 00010000'],
  ['PUSH_PROMISE', frames.pushPromise(1, 2, Buffer.from([0x82])), '000005 05 04 00000001 00000002 82'],
  ['PRIORITY', frames.priority(3, { dependsOn: 1, weight: 256, exclusive: true }), '000005 02 00 00000003 80000001 ff'],
  ['ORIGIN', frames.origin(['https://a.test']), '000010 0c 00 00000000 000e 68747470733a2f2f612e74657374'],
  ['ALTSVC', frames.altsvc(0, 'o', 'clear'), '000008 0a 00 00000000 0001 6f 636c656172'],
  ['UNKNOWN', frames.raw(0xee, 0xff, 9, Buffer.from('x')), '000001 ee ff 00000009 78'],
])('%s has the bytes of the RFC', (typeName, bytes, hex) => {
  expect(bytes.toString('hex')).toBe(hex.replaceAll(' ', ''))
  expect(parseOne(bytes).typeName).toBe(typeName)
})

test('the parser accepts bytes split anywhere', () => {
  const bytes = Buffer.concat([frames.settings({ initialWindowSize: 1 }), frames.data(1, 'hello'), frames.ping()])
  const whole = new FrameParser().push(bytes)
  const parser = new FrameParser()
  const octetByOctet = [...bytes].flatMap((byte) => parser.push(Buffer.from([byte])))
  expect(octetByOctet).toEqual(whole)
  expect(whole.map(({ typeName }) => typeName)).toEqual(['SETTINGS', 'DATA', 'PING'])
  expect(parser.pendingBytes).toBe(0)
})

test('payloads are parsed', () => {
  expect(settingsOf(parseOne(frames.settings({ enablePush: 0, 153: 5 })))).toEqual({ enablePush: 0, 153: 5 })
  expect(goawayOf(parseOne(frames.goaway(3, 2, 'x')))).toEqual({ lastStreamId: 3, errorCode: 2, debug: 'x' })
  expect(numberOf(parseOne(frames.rstStream(1, 8)))).toBe(8)
  const padded = parseOne(frames.headers(1, [['a', 'b']], { padding: 3, priority: { dependsOn: 0 }, endStream: true }))
  expect(contentOf(padded)).toEqual(frames.fieldBlock([['a', 'b']]))
  expect(hasFlag(padded, 'END_STREAM') && hasFlag(padded, 'PADDED')).toBe(true)
  expect(padded.flags & FrameFlag.PRIORITY).not.toBe(0)
})

test('a frame may declare a wrong length', () => {
  const parser = new FrameParser()
  expect(parser.push(frames.raw(0, 0, 1, Buffer.from('ab'), 3))).toEqual([])
  expect(parser.push(Buffer.from('c'))[0]?.payload.toString()).toBe('abc')
})
