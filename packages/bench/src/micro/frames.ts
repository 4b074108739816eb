/**
 * Parsing of frames: the reader alone, and the whole engine with streams that open and close,
 * against the testkit's plain parser.
 */

import { FrameParser, frames } from '@unshard/testkit'
import { FrameReader } from '../../../core/dist/h2/protocol/frame-reader.js'
import { Protocol } from '../../../core/dist/h2/protocol/protocol.js'
import { WindowBudget } from '../../../core/dist/h2/protocol/window.js'
import type { Contestant } from './measure.js'

/** One read of a socket: 500 small responses, HEADERS of one byte and DATA of 100. */
const RESPONSES = 500
const CONTENT = Buffer.alloc(100, 'x')

function chunk(firstStreamId: number): Buffer {
  const parts: Buffer[] = []
  for (let i = 0; i < RESPONSES; i++) {
    const id = firstStreamId + 2 * i
    parts.push(frames.headers(id, Buffer.of(0x88)), frames.data(id, CONTENT, { endStream: true }))
  }
  return Buffer.concat(parts)
}

const nothing = (): void => undefined

function reader(): Contestant {
  const bytes = chunk(1)
  const frameReader = new FrameReader({ frameHeader: () => true, frame: nothing, dataPart: nothing, dataEnd: nothing })
  return {
    name: 'unshard reader',
    run() {
      frameReader.read(bytes)
      return 2 * RESPONSES
    },
  }
}

function plain(): Contestant {
  const bytes = chunk(1)
  const parser = new FrameParser()
  return { name: 'testkit parser', run: () => parser.push(bytes).length }
}

const HEAD = { method: 'GET', scheme: 'https', authority: 'a.example', path: '/', fields: [], sensitive: undefined } as const
const LOCAL = {
  initialWindowBytes: 131_072,
  connectionWindowBytes: 16_777_216,
  headerTableBytes: 4_096,
  maxFieldSectionBytes: 65_536,
}

/**
 * Requests are sent too, because streams must be open. Opens a new connection when the identifiers
 * of the chunk are used up.
 */
function engine(): Contestant {
  const bytes = chunk(1)
  const responses = { onInformational: nothing, onResponse: nothing, onData: nothing, onEnd: nothing }
  const owner = { ...responses, onStreamError: nothing, onSendable: nothing, onClosed: nothing }
  const streams = { onCapacity: nothing, onStreamClosed: nothing }
  const listener = { ...streams, onGoaway: nothing, onPong: nothing, onOrigin: nothing, onAltSvc: nothing }
  return {
    name: 'unshard engine with its requests',
    run() {
      const protocol = new Protocol<typeof owner>(listener, LOCAL, new WindowBudget(0))
      protocol.start()
      protocol.receive(frames.settings({}))
      for (let i = 0; i < RESPONSES; i++) protocol.openStream(owner, HEAD, true)
      const fault = protocol.receive(bytes)
      if (fault !== undefined || protocol.active > 0) throw fault ?? new Error('streams are still open')
      return 2 * RESPONSES
    },
  }
}

/** All cases by name. */
export const frameCases: ReadonlyMap<string, () => Contestant[]> = new Map([
  ['frames parsed', () => [reader(), engine(), plain()]],
])
