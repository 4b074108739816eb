/** Streams are released even if a response cannot or will not be read to its end. */

import { gzipSync } from 'node:zlib'
import { createFetch } from '@unshard/adapters'
import { type Field, frames } from '@unshard/testkit'
import { testEnvironment } from '../environment.js'

const { client, peer } = testEnvironment()

/**
 * Sends these fields and a part of the content, never the rest; resolves when the stream is reset.
 */
async function unfinished(fields: readonly Field[], part: Uint8Array): Promise<{ url: string; reset: Promise<void> }> {
  let onReset!: () => void
  const reset = new Promise<void>((resolve) => {
    onReset = resolve
  })
  const { port } = await peer(async (p) => {
    await p.handshake()
    const { streamId } = await p.nextRequest()
    p.send(frames.headers(streamId, fields), frames.data(streamId, part))
    await p.next('RST_STREAM')
    onReset()
  })
  return { url: `https://a.test.example:${port}/`, reset }
}

it('cancelling a compressed body while a read waits for the peer resets the stream at once', async () => {
  const noise = Buffer.from(Array.from({ length: 50_000 }, (_, i) => ((i * 7_919) % 256) ^ ((i >> 3) % 256)))
  const { url, reset } = await unfinished(
    [
      [':status', '200'],
      ['content-encoding', 'gzip'],
    ],
    gzipSync(noise).subarray(0, 5_000),
  )
  const response = await createFetch(client())(url)
  const reader = response.body!.getReader()
  await reader.read()
  const waiting = reader.read()
  await reader.cancel('enough')
  await expect(waiting).resolves.toMatchObject({ done: true })
  await reset
})

it('a redirect to an invalid URL releases its stream', async () => {
  const { url, reset } = await unfinished(
    [
      [':status', '302'],
      ['location', 'https://['],
    ],
    Buffer.alloc(100),
  )
  await expect(createFetch(client())(url)).rejects.toThrow(TypeError)
  await reset
})

it('too many content codings release their stream', async () => {
  const codings = Array.from({ length: 6 }, () => 'gzip').join()
  const { url, reset } = await unfinished(
    [
      [':status', '200'],
      ['content-encoding', codings],
    ],
    Buffer.alloc(100),
  )
  await expect(createFetch(client())(url)).rejects.toMatchObject({
    message: 'fetch failed',
    cause: { code: 'ERR_TOO_MANY_CODINGS' },
  })
  await reset
})

it('content that does not match its coding releases its stream', async () => {
  const { url, reset } = await unfinished(
    [
      [':status', '200'],
      ['content-encoding', 'gzip'],
    ],
    Buffer.from('this is not gzip'),
  )
  const response = await createFetch(client())(url)
  await expect(response.text()).rejects.toMatchObject({ cause: { code: 'ERR_DECODE' } })
  await reset
})
