import fc from 'fast-check'
import * as frames from '../../src/server/h2/frames.js'

it('frames are the same however the network slices them', () => {
  const list = [
    frames.settingsFrame([[3, 100]]),
    frames.frame(frames.DATA, frames.END_STREAM, 5, Buffer.from('content')),
    frames.numberFrame(frames.WINDOW_UPDATE, 0, 70_000),
    frames.goawayFrame(7, frames.ENHANCE_YOUR_CALM, 'too_many_pings'),
    frames.originFrame(['https://a.example']),
  ]
  const bytes = Buffer.concat(list)
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), (size) => {
      const splitter = new frames.FrameSplitter()
      const seen: Buffer[] = []
      for (let at = 0; at < bytes.length; at += size) {
        for (const { type, flags, stream, payload } of splitter.push(bytes.subarray(at, at + size))) {
          seen.push(frames.frame(type, flags, stream, payload))
        }
      }
      expect(seen).toEqual(list)
    }),
  )
})
