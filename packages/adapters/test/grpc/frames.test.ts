/** Length-prefixed messages: every way in which content may be split into parts. */

import fc from 'fast-check'
import { FrameError, FrameReader, frameOf } from '../../src/grpc/frames.js'

const all = (reader: FrameReader): Uint8Array[] => {
  const messages: Uint8Array[] = []
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) messages.push(frame.bytes)
  return messages
}

it('messages are the same however their bytes arrive', () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 })
  fc.assert(
    fc.property(messages, fc.array(fc.integer({ min: 1, max: 17 }), { minLength: 1 }), (sent, sizes) => {
      const content = Buffer.concat(sent.map((message) => frameOf(message, false)))
      const reader = new FrameReader(40)
      const received: Uint8Array[] = []
      for (let at = 0, i = 0; at < content.length; i++) {
        const size = sizes[i % sizes.length]!
        reader.add(content.subarray(at, at + size))
        at += size
        received.push(...all(reader))
      }
      expect(received.map((each) => Buffer.from(each))).toEqual(sent.map((each) => Buffer.from(each)))
      expect(reader.isInside).toBe(false)
    }),
  )
})

it('a flag that is neither 0 nor 1, and a length over the maximum, are refused before the message has arrived', () => {
  const flagged = new FrameReader(10)
  flagged.add(new Uint8Array([2, 0, 0, 0, 0]))
  expect(() => flagged.next()).toThrow(FrameError)
  const large = new FrameReader(10)
  large.add(new Uint8Array([0, 0, 0, 0, 11]))
  expect(() => large.next()).toThrow(expect.objectContaining({ isTooLarge: true }))
  const huge = new FrameReader(10)
  huge.add(new Uint8Array([1, 255, 255, 255, 255]))
  expect(() => huge.next()).toThrow('4294967295 bytes')
})

it('a message that has begun is inside; an empty one is complete', () => {
  const reader = new FrameReader(10)
  reader.add(frameOf(new Uint8Array(0), true))
  expect(reader.next()).toEqual({ isCompressed: true, bytes: Buffer.alloc(0) })
  expect(reader.isInside).toBe(false)
  reader.add(new Uint8Array([0, 0]))
  expect([reader.next(), reader.isInside]).toEqual([undefined, true])
})
