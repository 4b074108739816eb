/** Limits of servers and readers: streams at once, memory, and uploads that wait for 100. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createSecureServer } from 'node:http2'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import * as newest from '@aws-sdk/client-s3'
import * as oldest from '@aws-sdk/client-s3-2023'
import { NodeHttp2Handler } from '@smithy/node-http-handler'
import {
  FakeClock,
  type OriginHandler,
  type OriginRequest,
  type OriginResponse,
  type OriginServer,
  patternBytes,
  staticLookup,
} from '@unshard/testkit'
import type { RequestEvent } from 'unshard'
import { requestHandler } from 'unshard/smithy'
import { configuration, HOSTS, PROTOCOLS, smithyWorld } from './fixture.js'
import { answer, createS3, errorXml } from './s3-server.js'

const { world, server, client } = smithyWorld()
const Bucket = 'bucket-0'

/** Gets 40 objects at once, and returns how many arrived. */
async function fortyGets(sdk: newest.S3Client): Promise<number> {
  const gets = Array.from({ length: 40 }, async (_, i) => {
    const { Body } = await sdk.send(new newest.GetObjectCommand({ Bucket, Key: String(i) }))
    return Body!.transformToString()
  })
  const outcomes = await Promise.allSettled(gets)
  return outcomes.filter(({ status }) => status === 'fulfilled').length
}

describe('40 requests at once, to a server that allows 5 streams at once,', () => {
  /** Answers in a later turn, without a check of signatures: the SDK's own handler of HTTP/2 signs none that `host` has. */
  const later: OriginHandler = (_request, response) => void setImmediate(() => response.end('content'))
  const limited = (): Promise<OriginServer> =>
    server({ handler: later, protocols: ['h2'], settings: { maxConcurrentStreams: 5 } })

  it('are all served on one connection', async () => {
    const origin = await limited()
    const config = { ...configuration('s3', origin.port), forcePathStyle: true, maxAttempts: 1 }
    const sdk = new newest.S3Client({ ...config, requestHandler: requestHandler(client()) })
    expect(await fortyGets(sdk)).toBe(40)
    // Streams that the server refused, because they were open before its limit was known, are sent again.
    expect([origin.connections, origin.requests.length]).toEqual([1, 40])
  })

  it('are all served if they are uploads of streams, once the limit is known', async () => {
    const s3 = createS3()
    const origin = await server({ handler: s3.handler, protocols: ['h2'], settings: { maxConcurrentStreams: 5 } })
    const config = { ...configuration('s3', origin.port), forcePathStyle: true, maxAttempts: 1 }
    const own = client()
    const sdk = new newest.S3Client({ ...config, requestHandler: requestHandler(own) })
    // Refused on a new connection, content of more than 16 KiB could not be read again.
    await own.warm([config.endpoint])
    const content = patternBytes(300_000)
    const puts = Array.from({ length: 40 }, (_, i) => {
      const Body = Readable.from(Array.from({ length: 5 }, (_, part) => content.subarray(part * 60_000, (part + 1) * 60_000)))
      return sdk.send(new newest.PutObjectCommand({ Bucket, Key: String(i), Body, ContentLength: content.length }))
    })
    await Promise.all(puts)
    expect([...s3.objects.values()].filter((object) => object.equals(content))).toHaveLength(40)
    expect([origin.connections, s3.refused]).toEqual([1, []])
  })

  it("fail with the SDK's own handler", async () => {
    const origin = await limited()
    const nodeHttp2ConnectOptions = { ca: world.authority.ca, lookup: staticLookup(HOSTS) }
    const requestHandler = new NodeHttp2Handler({ nodeHttp2ConnectOptions })
    world.defer(() => requestHandler.destroy())
    const sdk = new newest.S3Client({ ...configuration('s3', origin.port), forcePathStyle: true, maxAttempts: 1, requestHandler })
    const served = await fortyGets(sdk)
    // Its first 40 streams are open before it knows the limit; those that the server refuses fail: 35.
    expect(served).toBeLessThan(40)
  })
})

describe.each(PROTOCOLS)('over %s', (protocol) => {
  it('a slow reader of 300 MB holds the server back', async () => {
    const total = 300_000_000
    let written = 0
    const part = patternBytes(65_536)
    const handler: OriginHandler = (_request, response) => {
      let left = total
      response.writeHead(200, { 'content-length': total })
      const fill = (): void => {
        while (left > 0) {
          const bytes = part.subarray(0, Math.min(left, part.length))
          left -= bytes.length
          written += bytes.length
          if (!response.write(bytes)) return void response.once('drain', fill)
        }
        response.end()
      }
      fill()
    }
    const origin = await server({ handler, protocols: [protocol] })
    const sdk = new newest.S3Client({
      ...configuration('s3', origin.port),
      forcePathStyle: true,
      requestHandler: requestHandler(client()),
    })
    const { Body } = await sdk.send(new newest.GetObjectCommand({ Bucket, Key: 'large' }))
    let received = 0
    let most = 0
    for await (const bytes of Body as Readable) {
      received += (bytes as Buffer).length
      await new Promise((resolve) => setImmediate(resolve))
      most = Math.max(most, written - received)
    }
    expect(received).toBe(total)
    // The largest window, and the buffers of the server and of the kernel.
    expect(most).toBeLessThan(40_000_000)
  }, 60_000)
})

describe.each(PROTOCOLS)('expect: 100-continue over %s', (protocol) => {
  const content = patternBytes(3_000_000)

  /** Starts a server that decides what to do about an expectation before it reads content. Returns its port. */
  async function expecting(decide: OriginHandler): Promise<number> {
    const credentials = await world.tls('*.test.example')
    const made = protocol === 'h2' ? createSecureServer(credentials) : createServer(credentials)
    // Without a listener for requests, a server of HTTP/2 emits no event for expectations either.
    made.on('request', (_request: OriginRequest, response: OriginResponse) => void response.writeHead(500).end())
    made.on('checkContinue', decide)
    made.listen(0)
    await once(made, 'listening')
    world.defer(() => made.close())
    return (made.address() as AddressInfo).port
  }

  /** Puts an object. Resolves with the outcome, and the bytes of content that were sent. */
  async function put(
    aws: typeof newest,
    port: number,
    clock?: FakeClock,
  ): Promise<{ error: unknown; sentBytes: number | undefined }> {
    const own = client(clock === undefined ? {} : { clock })
    let sentBytes: number | undefined
    const onEnd = (event: unknown): void => {
      sentBytes = (event as RequestEvent).sentBytes
    }
    subscribe('tracing:unshard:request:asyncEnd', onEnd)
    const sdk = new aws.S3Client({
      ...{ ...configuration('s3', port), forcePathStyle: true, maxAttempts: 1 },
      requestHandler: requestHandler(own),
    })
    const sent = sdk.send(new aws.PutObjectCommand({ Bucket, Key: 'key', Body: content }))
    const error = await sent.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    unsubscribe('tracing:unshard:request:asyncEnd', onEnd)
    own.destroy()
    return { error, sentBytes }
  }

  describe.each([
    ['the newest SDK', newest],
    ['the SDK of 2023', oldest as unknown as typeof newest],
  ])('%s', (_which, aws) => {
    it('sends the content after 100', async () => {
      const s3 = createS3()
      const port = await expecting((request, response) => {
        response.writeContinue()
        s3.handler(request, response)
      })
      // No time passes: the content is sent because of the 100.
      expect(await put(aws, port, new FakeClock())).toEqual({ error: undefined, sentBytes: content.length })
      expect(s3.objects.get('bucket-0/key')?.equals(content)).toBe(true)
    })

    it('sends no content after another answer', async () => {
      const port = await expecting((_request, response) => answer(response, 403, errorXml('AccessDenied', 'not yours')))
      expect(await put(aws, port)).toMatchObject({ error: { name: 'AccessDenied' }, sentBytes: 0 })
    })

    it('sends the content to a server that ignores the expectation, after a second', async () => {
      const s3 = createS3()
      const clock = new FakeClock()
      const port = await expecting((request, response) => {
        s3.handler(request, response)
        clock.advance(1_000)
      })
      expect(await put(aws, port, clock)).toMatchObject({ error: undefined })
      expect(s3.objects.get('bucket-0/key')?.equals(content)).toBe(true)
    })
  })
})
