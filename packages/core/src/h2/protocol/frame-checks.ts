/** Frame checks that do not depend on any state: size and stream identifier (RFC 9113 §6). */

import { checkConnectionFrame } from './connection-frames.js'
import { ErrorCode, ProtocolFault } from './error-code.js'
import { Flag, FrameType, frameTypeName, MIN_MAX_FRAME_BYTES } from './frame.js'

/**
 * Checks the frame size.
 * @throws ProtocolFault over our SETTINGS_MAX_FRAME_SIZE, the initial value (RFC 9113 §4.2).
 */
export function checkFrameSize(type: number, length: number): void {
  if (length > MIN_MAX_FRAME_BYTES) wrongSize(type, length)
}

/**
 * Checks a frame header, before any payload is kept.
 * @throws ProtocolFault if it is invalid in any state.
 */
export function checkFrameHeader(type: number, flags: number, streamId: number, length: number): void {
  switch (type) {
    case FrameType.DATA:
      needStream(type, streamId)
      if ((flags & Flag.PADDED) !== 0 && length < 1) wrongSize(type, length)
      return
    case FrameType.HEADERS:
      needStream(type, streamId)
      if (length < ((flags & Flag.PADDED) !== 0 ? 1 : 0) + ((flags & Flag.PRIORITY) !== 0 ? 5 : 0)) wrongSize(type, length)
      return
    case FrameType.PRIORITY:
    case FrameType.CONTINUATION:
      needStream(type, streamId)
      return
    case FrameType.RST_STREAM:
      needStream(type, streamId)
      if (length !== 4) wrongSize(type, length)
      return
    case FrameType.PUSH_PROMISE:
      // RFC 9113 §8.4: we sent SETTINGS_ENABLE_PUSH 0, so PUSH_PROMISE is a connection error.
      throw new ProtocolFault(ErrorCode.PROTOCOL_ERROR, 'PUSH_PROMISE, though push is disabled')
    case FrameType.WINDOW_UPDATE:
      if (length !== 4) wrongSize(type, length)
      return
    default:
      checkConnectionFrame(type, flags, streamId, length)
  }
}

function needStream(type: number, streamId: number): void {
  if (streamId === 0) throw new ProtocolFault(ErrorCode.PROTOCOL_ERROR, `${frameTypeName(type)} on stream 0`)
}

function wrongSize(type: number, length: number): never {
  throw new ProtocolFault(ErrorCode.FRAME_SIZE_ERROR, `${frameTypeName(type)} of ${length} bytes`)
}
