import { KEPT_BYTES, RecordedSource } from '../../src/message/recorded-source.js'

/** A source that notes what is done to it. */
function source(parts: readonly (string | Uint8Array)[], endless = false) {
  const told: unknown[] = []
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
        told.push(reason)
        return { done: true, value: undefined }
      },
    }
  })
  return { content, told, opened: () => opened }
}

async function all(iterator: AsyncIterator<Uint8Array | string>): Promise<string> {
  let text = ''
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
    text += Buffer.from(next.value as string)
  return text
}

it('is sent again from its beginning, however far the first attempt has come', async () => {
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

it('a part that the first attempt has asked for, and not been given, goes to the second', async () => {
  const { content } = source(['a', 'b'])
  content.hold()
  const first = content.open()
  const asked = first.next()
  const second = content.open()
  expect(await all(second)).toBe('ab')
  expect((await asked).value).toBe('a')
})

it('memory that a source fills again does not change what is sent again', async () => {
  const memory = Buffer.from('a')
  const { content } = source([memory, 'b'])
  content.hold()
  await content.open().next()
  memory.write('z')
  expect(await all(content.open())).toBe('ab')
})

it('beyond 16 KiB it can be sent once, and its end is that of the attempt', async () => {
  const { content, told } = source(['x'.repeat(KEPT_BYTES), 'y', 'z'], true)
  content.hold()
  const only = content.open()
  await only.next()
  expect(content.replayable).toBe(true)
  await only.next()
  expect(content.replayable).toBe(false)
  expect((await only.next()).value).toBe('z')
  await only.return!('reason')
  expect(told).toEqual(['reason'])
})

it('is left when the request is over, once and with its reason; not when it has come to its end', async () => {
  const { content, told } = source(['a'], true)
  content.hold()
  const first = content.open()
  await first.next()
  await first.return!('lost')
  expect(told).toEqual([])
  content.release('over')
  content.release('again')
  expect(told).toEqual(['over'])
  const whole = source(['a'])
  whole.content.hold()
  await all(whole.content.open())
  whole.content.release(undefined)
  expect(whole.told).toEqual([])
  expect([content.replayable, whole.content.replayable]).toEqual([false, false])
})

describe('a part that comes when its attempt is over', () => {
  const large = 'b'.repeat(2 * KEPT_BYTES)

  it.each([0, 1, 2])(
    'is sent by the next one, though it is more than is kept; that one has read %d parts by then',
    async (read) => {
      let give!: (part: string) => void
      const slow = new Promise<string>((resolve) => {
        give = resolve
      })
      const content = new RecordedSource(async function* () {
        yield 'a'
        yield await slow
        yield 'c'
      })
      content.hold()
      const first = content.open()
      await first.next()
      const asked = first.next()
      await first.return!('lost')
      expect(content.replayable).toBe(true)
      if (read === 0) give(large)
      if (read === 0) await asked
      const second = content.open()
      let text = ''
      for (let i = 0; i < read; i++) {
        const next = second.next()
        if (i === 1) give(large)
        text += (await next).value as string
      }
      if (read === 1) give(large)
      if (read === 1) await asked
      text += await all(second)
      expect(text === `a${large}c`).toBe(true)
      expect(content.replayable).toBe(false)
    },
  )

  it('an attempt that is still sending when the request is sent again reads no further', async () => {
    const { content, told } = source(['a', large, 'c'])
    content.hold()
    const first = content.open()
    await first.next()
    content.rewind()
    let more = false
    void first.next().then(() => {
      more = true
    })
    expect((await all(content.open())) === `a${large}c`).toBe(true)
    expect(more).toBe(false)
    await first.return!('asked again')
    expect(told).toEqual([])
  })
})

it('empty parts, without end, take no memory', async () => {
  const { content } = source(['', 'a', '', new Uint8Array(0), 'b', ''])
  content.hold()
  expect(await all(content.open())).toBe('ab')
  const again = content.open()
  expect([(await again.next()).value, (await again.next()).value, (await again.next()).done]).toEqual(['a', 'b', true])
})
