/**
 * Writes a field block as HEADERS and, if it is too long for one frame, CONTINUATION (RFC 9113
 * §4.3, §6.2, §6.10).
 */

import { Flag, FRAME_HEADER_BYTES, FrameType, putFrameHeader } from './frame.js'
import type { Output } from './output.js'

/** Reserves space for the frame header; the block is encoded directly behind it. */
export function beginFieldBlock(output: Output): void {
  output.openFrame(FRAME_HEADER_BYTES)
}

/**
 * Writes the frame header before the block, or splits a block over `maxFrameBytes` into several
 * frames.
 */
export function endFieldBlock(output: Output, streamId: number, endStream: boolean, maxFrameBytes: number): void {
  const payload = output.frameStart + FRAME_HEADER_BYTES
  const length = output.position - payload
  const streamFlag = endStream ? Flag.END_STREAM : 0
  if (length <= maxFrameBytes) {
    putFrameHeader(output.buffer, output.frameStart, length, FrameType.HEADERS, streamFlag | Flag.END_HEADERS, streamId)
    return
  }
  const block = Buffer.from(output.buffer.subarray(payload, output.position))
  output.position = output.frameStart
  for (let at = 0; at < length; at += maxFrameBytes) {
    const part = block.subarray(at, at + maxFrameBytes)
    const last = at + part.length === length ? Flag.END_HEADERS : 0
    const type = at === 0 ? FrameType.HEADERS : FrameType.CONTINUATION
    output.openFrame(FRAME_HEADER_BYTES)
    putFrameHeader(output.buffer, output.frameStart, part.length, type, (at === 0 ? streamFlag : 0) | last, streamId)
    output.writeBytes(part)
  }
}
