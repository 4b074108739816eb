/** `client-s3`, the newest one and one of 2023, over a client of unshard, against a server that checks signature, host and bytes. */

import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import * as newest from '@aws-sdk/client-s3'
import * as oldest from '@aws-sdk/client-s3-2023'
import { Upload } from '@aws-sdk/lib-storage'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { type OriginServer, patternBytes } from '@unshard/testkit'
import type { Client } from 'unshard'
import { requestHandler } from 'unshard/smithy'
import { configuration, PROTOCOLS, type Protocol, smithyWorld } from './fixture.js'
import { answer, createS3, errorXml, type S3Server } from './s3-server.js'

const { server, client } = smithyWorld()

interface Setup {
  readonly s3: S3Server
  readonly origin: OriginServer
  readonly own: Client
  readonly sdk: newest.S3Client
}

async function setup(
  protocols: readonly Protocol[],
  { S3Client }: Pick<typeof newest, 'S3Client'> = newest,
  config: newest.S3ClientConfig = {},
): Promise<Setup> {
  const s3 = createS3()
  const origin = await server({ handler: s3.handler, protocols })
  const own = client()
  const sdk = new S3Client({
    ...configuration('s3', origin.port),
    forcePathStyle: true,
    logger: SILENT,
    requestHandler: requestHandler(own),
    ...config,
  })
  return { s3, origin, own, sdk }
}

/** The SDK warns of requests that it cannot retry. */
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore }
function ignore(): void {}

const VERSIONS = [
  ['the newest SDK', newest],
  ['the SDK of 2023', oldest as unknown as typeof newest],
] as const

async function bytesOf(output: newest.GetObjectCommandOutput): Promise<Buffer> {
  return Buffer.from(await output.Body!.transformToByteArray())
}

const Bucket = 'bucket-0'

describe.each(PROTOCOLS)('over %s', (protocol) => {
  describe.each(VERSIONS)('%s', (_which, aws) => {
    it.each<[string, () => NonNullable<newest.PutObjectCommandInput['Body']>, Buffer]>([
      ['a string', () => 'contént', Buffer.from('contént')],
      ['bytes', () => new Uint8Array(patternBytes(70_000)), patternBytes(70_000)],
      ['a Buffer', () => patternBytes(1_000), patternBytes(1_000)],
      ['no content', () => '', Buffer.alloc(0)],
      ['a stream with a known length', () => Readable.from([Buffer.from('con'), Buffer.from('tent')]), Buffer.from('content')],
    ])('puts and gets %s', async (_what, body, content) => {
      const { sdk, s3 } = await setup([protocol], aws)
      const Body = body()
      const length = Body instanceof Readable ? { ContentLength: content.length } : {}
      await sdk.send(new aws.PutObjectCommand({ Bucket, Key: 'key', Body, ...length }))
      expect(s3.objects.get('bucket-0/key')).toEqual(content)
      const output = await sdk.send(new aws.GetObjectCommand({ Bucket, Key: 'key' }))
      expect(await bytesOf(output)).toEqual(content)
      expect(s3.refused).toEqual([])
    })

    it.each([
      'with space',
      'ünïcödé/日本語',
      'a+b&c=d',
      'a//b',
      '/leading',
      'a/../b',
      './a',
      'trailing/..',
      "q'(u)o!t*e",
      '100%',
    ])('key %j is the key', async (Key) => {
      const { sdk, s3 } = await setup([protocol], aws)
      await sdk.send(new aws.PutObjectCommand({ Bucket, Key, Body: Key }))
      expect([...s3.objects.keys()]).toEqual([`bucket-0/${Key}`])
      const output = await sdk.send(new aws.GetObjectCommand({ Bucket, Key }))
      expect(await output.Body?.transformToString()).toBe(Key)
    })

    // By the SDK's own handler a field with the value `undefined` fails it, since there are checksums in trailers.
    it('a stream of unknown length is sent in chunks, and the answer of S3 is the error', async () => {
      const { sdk, s3, origin } = await setup([protocol], aws)
      s3.intervene = (request, response) => {
        request.resume().on('end', () => answer(response, 411, errorXml('MissingContentLength', 'no length')))
        return true
      }
      const put = new aws.PutObjectCommand({ Bucket, Key: 'key', Body: Readable.from([Buffer.from('content')]) })
      await expect(sdk.send(put)).rejects.toMatchObject({ name: 'MissingContentLength', $metadata: { httpStatusCode: 411 } })
      expect(origin.requests).toHaveLength(1)
      const { headers } = origin.requests[0]!
      expect(headers['content-length']).toBeUndefined()
      expect(headers['transfer-encoding']).toBe(protocol === 'h2' ? undefined : 'chunked')
    })

    it('errors are those of the service', async () => {
      const { sdk } = await setup([protocol], aws)
      const sent = sdk.send(new aws.GetObjectCommand({ Bucket, Key: 'none' }))
      await expect(sent).rejects.toMatchObject({ name: 'NoSuchKey', $metadata: { httpStatusCode: 404, attempts: 1 } })
      await expect(sent).rejects.toBeInstanceOf(aws.NoSuchKey)
    })

    it('the SDK retries 500, 503, and a lost connection, by its own rules', async () => {
      const { sdk, s3, own, origin } = await setup([protocol], aws)
      s3.objects.set('bucket-0/key', Buffer.from('content'))
      let attempts = 0
      s3.intervene = (request, response) => {
        attempts++
        if (attempts === 1) answer(response, 500, errorXml('InternalError', 'try again'))
        else if (attempts === 2) (request.stream?.session ?? request.socket).destroy()
        return attempts < 3
      }
      const output = await sdk.send(new aws.GetObjectCommand({ Bucket, Key: 'key' }))
      expect([(await bytesOf(output)).toString(), output.$metadata.attempts]).toEqual(['content', 3])
      expect(origin.requests).toHaveLength(3)
      expect(own.stats().totals).toMatchObject({ requests: 3, replayed: 0 })
    })

    it('40 requests at once', async () => {
      const { sdk, s3, origin } = await setup([protocol], aws)
      for (let i = 0; i < 40; i++) s3.objects.set(`bucket-0/${i}`, Buffer.from(`content ${i}`))
      const gets = Array.from({ length: 40 }, async (_, i) => {
        const output = await sdk.send(new aws.GetObjectCommand({ Bucket, Key: String(i) }))
        return output.Body!.transformToString()
      })
      expect(await Promise.all(gets)).toEqual(Array.from({ length: 40 }, (_, i) => `content ${i}`))
      if (protocol === 'h2') expect(origin.connections).toBe(1)
    })

    it('an abort in the middle of a download ends it', async () => {
      const { sdk, s3, own } = await setup([protocol], aws)
      s3.objects.set('bucket-0/large', patternBytes(20_000_000))
      const controller = new AbortController()
      const { Body } = await sdk.send(new aws.GetObjectCommand({ Bucket, Key: 'large' }), { abortSignal: controller.signal })
      const reading = (async () => {
        for await (const _ of Body as Readable) controller.abort()
      })()
      await expect(reading).rejects.toMatchObject({ name: 'AbortError' })
      expect(own.stats().connections.every(({ active }) => active === 0)).toBe(true)
    })

    it('an answer to an upload before its content is read is the answer', async () => {
      const { sdk, s3 } = await setup([protocol], aws)
      s3.intervene = (_request, response) => {
        answer(response, 403, errorXml('AccessDenied', 'not yours'))
        return true
      }
      const Body = Readable.from(Array.from({ length: 500 }, () => Buffer.alloc(65_536)))
      const put = new aws.PutObjectCommand({ Bucket, Key: 'key', Body, ContentLength: 500 * 65_536 })
      await expect(sdk.send(put)).rejects.toMatchObject({ name: 'AccessDenied', $metadata: { httpStatusCode: 403 } })
      // The newest SDK reads it through a stream of its own, and does not end it.
      expect(Body.readableEnded).toBe(false)
    })

    it('a connection lost during an upload fails it, and is not hidden', async () => {
      const { sdk, s3, origin } = await setup([protocol], aws)
      s3.intervene = (request) => {
        request.once('data', () => (request.stream?.session ?? request.socket).destroy())
        return true
      }
      const Body = Readable.from(Array.from({ length: 500 }, () => Buffer.alloc(65_536)))
      const put = new aws.PutObjectCommand({ Bucket, Key: 'key', Body, ContentLength: 500 * 65_536 })
      await expect(sdk.send(put)).rejects.toMatchObject({ code: 'ECONNRESET' })
      expect(origin.requests).toHaveLength(1)
    })
  })

  it('lib-storage uploads 30 MB in parts, and every byte arrives', async () => {
    const { sdk, s3, origin } = await setup([protocol])
    const content = randomBytes(30_000_000)
    const upload = new Upload({
      client: sdk,
      params: { Bucket, Key: 'large', Body: Readable.from(parts(content)) },
      queueSize: 4,
    })
    await upload.done()
    expect(s3.refused).toEqual([])
    expect(s3.objects.get('bucket-0/large')?.equals(content)).toBe(true)
    expect(origin.requests).toHaveLength(8)
  })

  it('lib-storage ends an upload that is aborted', async () => {
    const { sdk, s3, origin } = await setup([protocol])
    let held = 0
    s3.intervene = ({ url = '' }) => url.includes('partNumber') && ++held > 0
    const upload = new Upload({ client: sdk, params: { Bucket, Key: 'large', Body: randomBytes(30_000_000) }, queueSize: 2 })
    const done = upload.done()
    await origin.delivered(2)
    await upload.abort()
    await expect(done).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('presigned URLs are URLs for the same client', async () => {
    const { sdk, s3, own } = await setup([protocol])
    const target = { Bucket, Key: 'signed /é' }
    const put = await getSignedUrl(sdk, new newest.PutObjectCommand(target))
    expect((await own.put(put, { body: Buffer.from('content') })).status).toBe(200)
    expect(s3.objects.get('bucket-0/signed /é')?.toString()).toBe('content')
    const get = await getSignedUrl(sdk, new newest.GetObjectCommand(target))
    expect(await (await own.get(get)).text()).toBe('content')
    expect(s3.refused).toEqual([])
  })

  it('ranges and HEAD', async () => {
    const { sdk, s3 } = await setup([protocol])
    s3.objects.set('bucket-0/key', patternBytes(1_000))
    const part = await sdk.send(new newest.GetObjectCommand({ Bucket, Key: 'key', Range: 'bytes=10-19' }))
    expect(await bytesOf(part)).toEqual(patternBytes(20).subarray(10))
    expect(await sdk.send(new newest.HeadObjectCommand({ Bucket, Key: 'key' }))).toMatchObject({ ContentLength: 1_000 })
    await sdk.send(new newest.DeleteObjectCommand({ Bucket, Key: 'key' }))
    await expect(sdk.send(new newest.HeadObjectCommand({ Bucket, Key: 'key' }))).rejects.toMatchObject({ name: 'NotFound' })
  })
})

it('12 buckets, each with a host of its own, share one connection', async () => {
  const { sdk, s3, origin } = await setup(['h2'], newest, { forcePathStyle: false })
  const names = Array.from({ length: 12 }, (_, i) => `bucket-${i}`)
  for (const name of names) await sdk.send(new newest.PutObjectCommand({ Bucket: name, Key: 'key', Body: name }))
  const outputs = names.map((name) => sdk.send(new newest.GetObjectCommand({ Bucket: name, Key: 'key' })))
  const texts = await Promise.all(outputs.map(async (output) => (await output).Body!.transformToString()))
  expect(texts).toEqual(names)
  expect(new Set(origin.requests.map(({ authority }) => authority)).size).toBe(12)
  expect([origin.connections, s3.refused]).toEqual([1, []])
})

it('GOAWAY moves requests to another connection, and none fails', async () => {
  const { sdk, s3, origin } = await setup(['h2'])
  s3.objects.set('bucket-0/key', Buffer.from('content'))
  const get = async (): Promise<unknown[]> => {
    const { Body, $metadata } = await sdk.send(new newest.GetObjectCommand({ Bucket, Key: 'key' }))
    return [await Body!.transformToString(), $metadata.attempts]
  }
  for (let round = 0; round < 3; round++) {
    const gets = Array.from({ length: 10 }, get)
    await origin.delivered(round * 10 + 1)
    origin.goaway()
    // One attempt of the SDK: what the server has not processed is sent again below it.
    expect(await Promise.all(gets)).toEqual(Array.from({ length: 10 }, () => ['content', 1]))
  }
  expect(origin.connections).toBeGreaterThan(1)
})

async function* parts(content: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += 64_000) yield content.subarray(at, at + 64_000)
}
