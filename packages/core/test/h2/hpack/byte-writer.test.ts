/** The growing buffer that blocks are written to. */

import { ByteWriter, latin1Slice } from '../../../src/h2/hpack/byte-writer.js'
import { written, writtenHex } from './blocks.js'

describe('ByteWriter', () => {
  it('doubles its buffer and keeps the written bytes', () => {
    const writer = new ByteWriter(2)
    const previousBuffer = writer.buffer
    for (let byte = 0; byte < 5; byte++) writer.writeByte(byte)
    expect(writtenHex(writer)).toBe('0001020304')
    expect(writer.buffer).not.toBe(previousBuffer)
    expect(writer.buffer.length).toBe(8)
  })

  it('grows at once to the requested size', () => {
    const writer = new ByteWriter(2)
    writer.writeByte(7)
    writer.ensure(1000)
    expect(writer.buffer.length).toBe(1001)
    expect(writtenHex(writer)).toBe('07')
    const grown = writer.buffer
    writer.ensure(1000)
    expect(writer.buffer).toBe(grown)
  })

  it('grows from an empty buffer', () => {
    const writer = new ByteWriter(0)
    writer.writeByte(1)
    expect(writtenHex(writer)).toBe('01')
  })

  it.each([0, 1, 24, 25, 3000])('writes %i characters of Latin-1 as one byte each', (length) => {
    const text = '\xe9\x00\xffz'.repeat(1000).slice(0, length)
    const writer = new ByteWriter(1)
    writer.writeByte(9)
    writer.writeLatin1(text)
    writer.writeByte(9)
    expect(written(writer)).toEqual(Buffer.concat([Buffer.of(9), Buffer.from(text, 'latin1'), Buffer.of(9)]))
    expect(latin1Slice(written(writer), 1, 1 + length)).toBe(text)
  })

  it('writes bytes', () => {
    const writer = new ByteWriter(1)
    writer.writeBytes(Uint8Array.of(1, 2, 3))
    writer.writeBytes(new Uint8Array(0))
    expect(writtenHex(writer)).toBe('010203')
  })

  it('starts with a buffer of 1,024 bytes', () => {
    expect(new ByteWriter().buffer.length).toBe(1024)
  })
})
