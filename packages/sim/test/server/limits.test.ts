import { Kernel } from '../../src/kernel/kernel.js'
import { Limits } from '../../src/server/h2/limits.js'
import { UploadCredit } from '../../src/server/h2/upload-credit.js'
import type { Http2Model } from '../../src/server/model.js'
import { MODELS } from '../../src/server/models/all.js'

function limitsOf(model: string): { kernel: Kernel; limits: Limits } {
  const kernel = new Kernel(() => undefined)
  return { kernel, limits: new Limits(MODELS[model]!.h2!, kernel) }
}

/** WINDOW_UPDATE frames that answer an upload: stream and increment of each. */
function credits(model: Partial<Http2Model>, parts: readonly number[]): [stream: number, bytes: number][] {
  const sent: [number, number][] = []
  const full: Http2Model = { ...MODELS['nginx']!.h2!, streamWindowBytes: 1_000, connectionWindowBytes: 2_000, ...model }
  const credit = new UploadCredit(full, undefined, (frame) => {
    const bytes = Buffer.from(frame)
    sent.push([bytes.readUInt32BE(5), bytes.readUInt32BE(9)])
  })
  const stream = { id: 1, uncredited: 0 }
  for (const [index, bytes] of parts.entries()) credit.received(stream, bytes, index === parts.length - 1)
  return sent
}

it('a gRPC server allows two early PINGs, and more once it has sent HEADERS or DATA', () => {
  const { kernel, limits } = limitsOf('grpc')
  expect([1, 2, 3].map(() => limits.tooManyPings())).toEqual([false, false, false])
  expect(limits.tooManyPings()).toBe(true)
  const { limits: other } = limitsOf('grpc')
  for (let ping = 0; ping < 10; ping++) {
    other.answered(false)
    expect(other.tooManyPings()).toBe(false)
  }
  expect(kernel.now).toBe(0)
})

it('PINGs every five minutes are never too many', () => {
  const { kernel, limits } = limitsOf('grpc')
  for (let ping = 0; ping < 10; ping++) {
    expect(limits.tooManyPings()).toBe(false)
    kernel.run(kernel.now + 300_000)
  }
})

it('Envoy allows WINDOW_UPDATE frames by streams and DATA frames, and some to begin with', () => {
  const { limits } = limitsOf('envoy')
  const count = (): number => {
    let frames = 0
    while (!limits.tooManyWindowUpdates()) frames++
    return frames
  }
  expect(count()).toBe(5)
  limits.opened()
  // The frame that was too many was counted too.
  expect(count()).toBe(1)
  for (let frame = 0; frame < 50; frame++) limits.answered(true)
  expect(count()).toBe(999)
})

it('credit is given at once, by halves of a window, or with each read', () => {
  expect(credits({ credit: 'at-once' }, [300, 300])).toEqual([
    [0, 300],
    [1, 300],
    [0, 300],
  ])
  expect(credits({ credit: 'half' }, [300, 300, 300, 300])).toEqual([
    [1, 600],
    [0, 1_200],
  ])
  expect(credits({ credit: 'per-read', readBytes: 200 }, [300, 100])).toEqual([
    [0, 200],
    [1, 200],
    [0, 100],
    [1, 100],
    [0, 100],
  ])
})

it('an unlimited stream is given all with its first DATA, and a window that opens with DATA then has its size', () => {
  expect(credits({ credit: 'unlimited' }, [300, 300, 300, 300])).toEqual([
    [1, 2 ** 31 - 1 - 1_000],
    [0, 1_200],
  ])
  expect(credits({ credit: 'at-once', connectionWindowBytes: 100_000, opensWithData: true }, [300, 300])).toEqual([
    [0, 34_465],
    [0, 300],
    [1, 300],
    [0, 300],
  ])
})
