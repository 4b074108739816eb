/** `client-bedrock-runtime`: event streams from the server, and in both directions, over a client of unshard. */

import * as newest from '@aws-sdk/client-bedrock-runtime'
import * as oldest from '@aws-sdk/client-bedrock-runtime-2024'
import type { OriginHandler, OriginRequest, OriginResponse } from '@unshard/testkit'
import { requestHandler } from 'unshard/smithy'
import { decodeMessages, EventSignatures, encodeMessage } from './event-stream.js'
import { configuration, PROTOCOLS, type Protocol, smithyWorld } from './fixture.js'
import { collect } from './s3-server.js'
import { verify } from './signature.js'

const { server, client } = smithyWorld()

type Aws = Pick<typeof newest, 'BedrockRuntimeClient' | 'InvokeModelCommand' | 'InvokeModelWithResponseStreamCommand'>

const modelId = 'arn:aws:bedrock:eu-test-1::model/x.y-v1:0'

async function setup(protocol: Protocol, handler: OriginHandler, { BedrockRuntimeClient }: Aws = newest) {
  const origin = await server({ handler, protocols: [protocol] })
  const own = client()
  const sdk = new BedrockRuntimeClient({
    ...configuration('bedrock', origin.port),
    requestHandler: requestHandler(own),
    maxAttempts: 2,
  })
  return { origin, own, sdk }
}

/** Answers with an event stream once the signature of the request is verified. */
function events(send: (response: OriginResponse) => void): OriginHandler {
  return async (request, response) => {
    verify(request, await collect(request), 'bedrock')
    response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' })
    send(response)
  }
}

function event(type: string, payload: object): Buffer {
  return encodeMessage(
    { ':message-type': 'event', ':event-type': type, ':content-type': 'application/json' },
    JSON.stringify(payload),
  )
}

function chunk(text: string): Buffer {
  return event('chunk', { bytes: Buffer.from(text).toString('base64') })
}

describe.each(PROTOCOLS)('over %s', (protocol) => {
  describe.each<[string, Aws]>([
    ['the newest SDK', newest],
    ['the SDK of 2024', oldest as unknown as Aws],
  ])('%s', (_which, aws) => {
    it('a call without events', async () => {
      const { sdk, origin } = await setup(
        protocol,
        async (request, response) => {
          const { content } = verify(request, await collect(request), 'bedrock')
          response.writeHead(200, { 'content-type': 'application/json' }).end(content)
        },
        aws,
      )
      const { body } = await sdk.send(new aws.InvokeModelCommand({ modelId, body: '{"prompt":"é"}' }))
      expect(body.transformToString()).toBe('{"prompt":"é"}')
      expect(origin.requests[0]?.path).toBe(`/model/${encodeURIComponent(modelId)}/invoke`)
    })

    it('2,000 events arrive one by one and in order', async () => {
      const handler = events((response) => {
        for (let i = 0; i < 2_000; i++) response.write(chunk(`${i} ${'x'.repeat(i % 97)}`))
        response.end()
      })
      const { sdk } = await setup(protocol, handler, aws)
      const { body } = await sdk.send(new aws.InvokeModelWithResponseStreamCommand({ modelId, body: '{}' }))
      let i = 0
      for await (const { chunk: part } of body!) expect(Buffer.from(part!.bytes!).toString()).toMatch(new RegExp(`^${i++} x*$`))
      expect(i).toBe(2_000)
    })

    it('an event is delivered while the next one is not yet made', async () => {
      let sent: OriginResponse | undefined
      const { sdk } = await setup(
        protocol,
        events((response) => {
          sent = response
          response.write(chunk('first'))
        }),
        aws,
      )
      const { body } = await sdk.send(new aws.InvokeModelWithResponseStreamCommand({ modelId, body: '{}' }))
      const texts: string[] = []
      for await (const { chunk: part } of body!) {
        texts.push(Buffer.from(part!.bytes!).toString())
        if (texts.length === 1) sent!.end(chunk('second'))
      }
      expect(texts).toEqual(['first', 'second'])
    })

    it('an error event is thrown with its type, after the events before it', async () => {
      const fields = {
        ':message-type': 'exception',
        ':exception-type': 'throttlingException',
        ':content-type': 'application/json',
      }
      const handler = events((response) => {
        response.write(chunk('first'))
        response.end(encodeMessage(fields, JSON.stringify({ message: 'too fast' })))
      })
      const { sdk } = await setup(protocol, handler, aws)
      const { body } = await sdk.send(new aws.InvokeModelWithResponseStreamCommand({ modelId, body: '{}' }))
      let received = 0
      const reading = (async () => {
        for await (const _ of body!) received++
      })()
      await expect(reading).rejects.toMatchObject({ name: 'ThrottlingException', message: 'too fast' })
      expect(received).toBe(1)
    })

    // Leaving the loop does not: the SDK's iterators do not close the content below them.
    it('an abort ends the stream', async () => {
      let closed: Promise<void> | undefined
      const handler = events((response) => {
        closed = new Promise((resolve) => response.once('close', resolve))
        response.write(chunk('first'))
      })
      const { sdk } = await setup(protocol, handler, aws)
      const controller = new AbortController()
      const command = new aws.InvokeModelWithResponseStreamCommand({ modelId, body: '{}' })
      const { body } = await sdk.send(command, { abortSignal: controller.signal })
      const reading = (async () => {
        for await (const _ of body!) controller.abort()
      })()
      await expect(reading).rejects.toMatchObject({ name: 'AbortError' })
      await closed
    })
  })

  it('ConverseStream', async () => {
    const handler = events((response) => {
      response.write(event('messageStart', { role: 'assistant' }))
      for (const text of ['Hel', 'lo']) response.write(event('contentBlockDelta', { contentBlockIndex: 0, delta: { text } }))
      response.end(event('messageStop', { stopReason: 'end_turn' }))
    })
    const { sdk } = await setup(protocol, handler)
    const messages = [{ role: 'user' as const, content: [{ text: 'Hi' }] }]
    const { stream } = await sdk.send(new newest.ConverseStreamCommand({ modelId, messages }))
    let text = ''
    for await (const part of stream!) text += part.contentBlockDelta?.delta?.text ?? ''
    expect(text).toBe('Hello')
  })
})

describe('in both directions', () => {
  /** Answers each event of the request by one of the response, and checks all signatures. */
  async function echo(request: OriginRequest, response: OriginResponse): Promise<void> {
    const signatures = new EventSignatures(verify(request, undefined, 'bedrock'))
    response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' })
    for await (const message of decodeMessages(request)) {
      const inner = signatures.verify(message)
      if (inner === undefined) continue
      const { bytes } = JSON.parse(inner.payload.toString()) as { bytes: string }
      response.write(chunk(`echo of ${Buffer.from(bytes, 'base64')}`))
    }
    response.end()
  }

  it('each event is answered before the next one is sent', async () => {
    const failures: unknown[] = []
    const { sdk, origin } = await setup('h2', (request, response) => {
      echo(request, response).catch((error: unknown) => {
        failures.push(error)
        response.destroy()
      })
    })
    let answered!: () => void
    async function* input() {
      for (let i = 0; i < 20; i++) {
        const answer = new Promise<void>((resolve) => {
          answered = resolve
        })
        yield { chunk: { bytes: Buffer.from(`event ${i}`) } }
        await answer
      }
    }
    const { body } = await sdk.send(new newest.InvokeModelWithBidirectionalStreamCommand({ modelId, body: input() }))
    const texts: string[] = []
    for await (const { chunk: part } of body!) {
      texts.push(Buffer.from(part!.bytes!).toString())
      answered()
    }
    expect(failures).toEqual([])
    expect(texts).toEqual(Array.from({ length: 20 }, (_, i) => `echo of event ${i}`))
    expect(origin.connections).toBe(1)
  })

  it('a server that only speaks HTTP/1.1 gets no request: the error says what is missing', async () => {
    const { sdk, origin } = await setup('http/1.1', () => undefined)
    async function* input() {
      for (;;) yield { chunk: { bytes: Buffer.from('event') } }
    }
    const sent = sdk.send(new newest.InvokeModelWithBidirectionalStreamCommand({ modelId, body: input() }))
    await expect(sent).rejects.toMatchObject({
      name: 'UsageError',
      code: 'ERR_HTTP2_REQUIRED',
      message: expect.stringContaining('the request needs HTTP/2, and the connection speaks HTTP/1.1'),
    })
    expect(origin.requests).toEqual([])
  })

  it('20 conversations at once share one connection', async () => {
    const { sdk, origin } = await setup('h2', (request, response) => void echo(request, response).catch(() => response.destroy()))
    const conversations = Array.from({ length: 20 }, async (_, i) => {
      async function* input() {
        for (let turn = 0; turn < 3; turn++) yield { chunk: { bytes: Buffer.from(`${i}.${turn}`) } }
      }
      const { body } = await sdk.send(new newest.InvokeModelWithBidirectionalStreamCommand({ modelId, body: input() }))
      const texts: string[] = []
      for await (const { chunk: part } of body!) texts.push(Buffer.from(part!.bytes!).toString())
      return texts.join()
    })
    const expected = Array.from({ length: 20 }, (_, i) => [0, 1, 2].map((turn) => `echo of ${i}.${turn}`).join())
    expect(await Promise.all(conversations)).toEqual(expected)
    expect(origin.connections).toBe(1)
  })
})
