/**
 * A long download over a long path in virtual time: the growing window compared with an unlimited
 * one.
 */

import { FrameParser, numberOf } from '../../../../testkit/src/frame-parser.js'
import { data, headers, settings, settingsAck } from '../../../../testkit/src/frames.js'
import { resolveOptions } from '../../../src/client/options.js'
import { Protocol } from '../../../src/h2/protocol/protocol.js'
import { WindowBudget } from '../../../src/h2/protocol/window.js'
import { RecordedOwner, Recorder, request, type TestStream } from './peer.js'

const CONTENT_BYTES = 50 * 1024 * 1024
const FRAME_BYTES = 16_384
const UNLIMITED = 0x7fff_ffff

interface Windows {
  readonly stream: number
  readonly connection: number
  readonly budget: number
}

const { streamWindowBytes, connectionWindowBytes, windowBudgetBytes } = resolveOptions({})
const DEFAULTS: Windows = { stream: streamWindowBytes, connection: connectionWindowBytes, budget: windowBudgetBytes }

/** A reader that consumes content as it arrives. */
class Reader extends Recorder {
  engine!: Protocol<RecordedOwner>
  received = 0

  override onData(stream: TestStream, _bytes: Buffer, start: number, end: number): void {
    this.received += end - start
    this.engine.consumed(stream, end - start)
  }
}

/**
 * Milliseconds until all content has arrived from a server that sends at the rate of the path, as
 * far as windows allow.
 */
function downloadMs(windows: Windows, roundTripMs: number, bytesPerMs: number): { ms: number; budgetLeft: number } {
  const reader = new Reader()
  const budget = new WindowBudget(windows.budget)
  const local = { initialWindowBytes: windows.stream, connectionWindowBytes: windows.connection }
  const engine = new Protocol<RecordedOwner>(reader, { ...local, headerTableBytes: 4_096, maxFieldSectionBytes: 65_536 }, budget)
  reader.engine = engine
  engine.start()
  engine.receive(Buffer.concat([settings({}), settingsAck()]))
  const { id } = RecordedOwner.open(reader, engine, request())
  engine.takeOutput()
  engine.receive(headers(id, [[':status', '200']]))
  const part = data(id, Buffer.alloc(FRAME_BYTES))
  const parser = new FrameParser()
  const arrivals: number[] = []
  const credits: { at: number; streamId: number; bytes: number }[] = []
  const window = new Map([
    [0, windows.connection],
    [id, windows.stream],
  ])
  let now = 0
  let sentUntil = 0
  for (let unsentBytes = CONTENT_BYTES; reader.received < CONTENT_BYTES; ) {
    while (unsentBytes > 0 && Math.min(window.get(0)!, window.get(id)!) >= FRAME_BYTES) {
      for (const [key, bytes] of window) window.set(key, bytes - FRAME_BYTES)
      unsentBytes -= FRAME_BYTES
      sentUntil = Math.max(now, sentUntil) + FRAME_BYTES / bytesPerMs
      arrivals.push(sentUntil + roundTripMs / 2)
    }
    if (credits.length > 0 && !(arrivals[0]! < credits[0]!.at)) {
      const { at, streamId, bytes } = credits.shift()!
      now = at
      window.set(streamId, window.get(streamId)! + bytes)
      continue
    }
    now = arrivals.shift()!
    engine.receive(part)
    for (const frame of parser.push(Buffer.concat(engine.takeOutput()))) {
      credits.push({ at: now + roundTripMs / 2, streamId: frame.streamId, bytes: numberOf(frame) })
    }
  }
  return { ms: now, budgetLeft: budget.freeBytes }
}

describe.each([
  [20, 20_000],
  [20, 100_000],
  [100, 20_000],
  [100, 25_000],
])('on a path with a round trip of %d ms and %d bytes a millisecond', (roundTripMs, bytesPerMs) => {
  it('a download of 50 MB takes at most a quarter longer than with unlimited windows', () => {
    const unlimited = downloadMs({ stream: UNLIMITED, connection: UNLIMITED, budget: 0 }, roundTripMs, bytesPerMs)
    const limited = downloadMs(DEFAULTS, roundTripMs, bytesPerMs)
    expect(unlimited.ms / limited.ms).toBeGreaterThanOrEqual(0.8)
    expect(unlimited.ms / limited.ms).toBeLessThanOrEqual(1)
  })
})

it('one download leaves three quarters of the budget to other streams', () => {
  const { budgetLeft } = downloadMs(DEFAULTS, 100, 100_000)
  expect(budgetLeft).toBeGreaterThanOrEqual((DEFAULTS.budget * 3) / 4)
})
