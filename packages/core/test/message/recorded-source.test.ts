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
})
