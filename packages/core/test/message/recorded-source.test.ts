/** Request content that is recorded, so that it can be sent again. */

import { KEPT_BYTES, RecordedSource } from '../../src/message/recorded-source.js'

/** A source that records the calls of `return`. */
function source(parts: readonly (string | Uint8Array)[], endless = false) {
  const reasons: unknown[] = []
  let at = 0
  let opened = 0
  const content = new RecordedSource(() => {
    opened++
    return {
      next: async () => {
        if (at < parts.length) return { done: false, value: parts[at++]! }
        if (endless) return new Promise(() => undefined)
        return { done: true, value: undefined }
      },
      return: async (reason?: unknown) => {
        reasons.push(reason)
        return { done: true, value: undefined }
      },
    }
  })
  return { content, reasons, opened: () => opened }
}

async function all(iterator: AsyncIterator<Uint8Array | string>): Promise<string> {
  let text = ''
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
    text += Buffer.from(next.value as string)
  return text
}

it('content is sent again from its beginning, however far the first attempt was', async () => {
  for (let read = 0; read <= 4; read++) {
    const { content, opened } = source(['a', 'b', 'c'])
    content.hold()
    const first = content.open()
    for (let i = 0; i < read; i++) await first.next()
    await first.return!(new Error('lost'))
    expect(content.replayable).toBe(true)
    expect(await all(content.open())).toBe('abc')
    expect(opened()).toBe(1)
  }
})

it('a part that the first attempt requested and did not receive is sent by the second attempt', async () => {
  const { content } = source(['a', 'b'])
  content.hold()
  const first = content.open()
  const pending = first.next()
  const second = content.open()
  expect(await all(second)).toBe('ab')
  expect((await pending).value).toBe('a')
})

it('memory that a source overwrites does not change the content that is sent again', async () => {
  const memory = Buffer.from('a')
  const { content } = source([memory, 'b'])
  content.hold()
  await content.open().next()
  memory.write('z')
  expect(await all(content.open())).toBe('ab')
})

it('content above 16 KiB is sent once, and its end is that of the attempt', async () => {
  const { content, reasons } = source(['x'.repeat(KEPT_BYTES), 'y', 'z'], true)
  content.hold()
  const single = content.open()
  await single.next()
  expect(content.replayable).toBe(true)
  await single.next()
  expect(content.replayable).toBe(false)
  expect((await single.next()).value).toBe('z')
  await single.return!('reason')
  expect(reasons).toEqual(['reason'])
})

it('a source is abandoned at the end of the request, once and with the reason, unless it has ended', async () => {
  const { content, reasons } = source(['a'], true)
  content.hold()
  const first = content.open()
  await first.next()
  await first.return!('lost')
  expect(reasons).toEqual([])
  content.release('over')
  content.release('again')
  expect(reasons).toEqual(['over'])
  const complete = source(['a'])
  complete.content.hold()
  await all(complete.content.open())
  complete.content.release(undefined)
  expect(complete.reasons).toEqual([])
  expect([content.replayable, complete.content.replayable]).toEqual([false, false])
})

describe('a part that arrives after the end of its attempt', () => {
  const large = 'b'.repeat(2 * KEPT_BYTES)

  it.each([0, 1, 2])('is sent by the next attempt, even above the limit, after that attempt has read %d parts', async (read) => {
    let resolvePart!: (part: string) => void
    const slow = new Promise<string>((resolve) => {
      resolvePart = resolve
    })
    const content = new RecordedSource(async function* () {
      yield 'a'
      yield await slow
      yield 'c'
    })
    content.hold()
    const first = content.open()
    await first.next()
    const pending = first.next()
    await first.return!('lost')
    expect(content.replayable).toBe(true)
    if (read === 0) resolvePart(large)
    if (read === 0) await pending
    const second = content.open()
    let text = ''
    for (let i = 0; i < read; i++) {
      const next = second.next()
      if (i === 1) resolvePart(large)
      text += (await next).value as string
    }
    if (read === 1) resolvePart(large)
    if (read === 1) await pending
    text += await all(second)
    expect(text === `a${large}c`).toBe(true)
    expect(content.replayable).toBe(false)
  })

  it('is not requested by an attempt that continues after the request is sent again', async () => {
    const { content, reasons } = source(['a', large, 'c'])
    content.hold()
    const first = content.open()
    await first.next()
    content.rewind()
    let settled = false
    void first.next().then(() => {
      settled = true
    })
    expect((await all(content.open())) === `a${large}c`).toBe(true)
    expect(settled).toBe(false)
    await first.return!('asked again')
    expect(reasons).toEqual([])
  })
})

it('empty parts do not use memory, however many', async () => {
  const { content } = source(['', 'a', '', new Uint8Array(0), 'b', ''])
  content.hold()
  expect(await all(content.open())).toBe('ab')
  const second = content.open()
  expect([(await second.next()).value, (await second.next()).value, (await second.next()).done]).toEqual(['a', 'b', true])
})
