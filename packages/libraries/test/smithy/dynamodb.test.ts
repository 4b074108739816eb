/** `client-dynamodb`: JSON requests, the errors of the service, and the SDK's retries over a client of unshard. */

import * as newest from '@aws-sdk/client-dynamodb'
import * as oldest from '@aws-sdk/client-dynamodb-2023'
import type { OriginRequest, OriginResponse } from '@unshard/testkit'
import { requestHandler } from 'unshard/smithy'
import { configuration, PROTOCOLS, type Protocol, smithyWorld } from './fixture.js'
import { collect } from './s3-server.js'
import { verify } from './signature.js'

const { server, client } = smithyWorld()

type Item = Record<string, { S: string }>

/** A table in memory. Each request is one attempt; `fail` may answer it with an error. */
function createTable(fail: (attempt: number) => [status: number, type: string] | undefined) {
  const items = new Map<string, Item>()
  let attempts = 0
  const serve = async (request: OriginRequest, response: OriginResponse): Promise<void> => {
    const { content } = verify(request, await collect(request), 'dynamodb')
    const failure = fail(++attempts)
    if (failure !== undefined) return send(response, failure[0], { __type: failure[1], message: 'of the test' })
    const { Item: item, Key } = JSON.parse(content.toString()) as { Item?: Item; Key?: Item }
    const operation = String(request.headers['x-amz-target']).split('.')[1]
    if (operation === 'PutItem') items.set(item!['id']!.S, item!)
    if (operation === 'Query')
      return send(response, 200, { Items: [...items.values()], Count: items.size, ScannedCount: items.size })
    send(response, 200, operation === 'GetItem' ? { Item: items.get(Key!['id']!.S) } : {})
  }
  return {
    get attempts() {
      return attempts
    },
    handler: (request: OriginRequest, response: OriginResponse): void => {
      serve(request, response).catch((error: Error) =>
        send(response, 400, { __type: 'InvalidSignatureException', message: error.message }),
      )
    },
  }
}

function send(response: OriginResponse, status: number, content: object): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(content))
}

type Failures = Parameters<typeof createTable>[0]

async function setup(protocol: Protocol, aws: typeof newest, fail: Failures = () => undefined) {
  const table = createTable(fail)
  const origin = await server({ handler: table.handler, protocols: [protocol] })
  const own = client()
  const sdk = new aws.DynamoDBClient({
    ...configuration('dynamodb', origin.port),
    requestHandler: requestHandler(own),
    retryStrategy: { mode: 'test', retry: undefined as never, ...fastRetries() },
  })
  return { table, origin, own, sdk }
}

/** The SDK's own decision whether to retry, without its delays. */
function fastRetries() {
  return {
    acquireInitialRetryToken: async () => token(0),
    refreshRetryTokenForRetry: async (last: { getRetryCount(): number }, { errorType }: { errorType: string }) => {
      if (errorType === 'CLIENT_ERROR' || last.getRetryCount() === 2) throw new Error('not retried')
      return token(last.getRetryCount() + 1)
    },
    recordSuccess: () => undefined,
  }
}

function token(count: number) {
  return { getRetryCount: () => count, getRetryDelay: () => 0 }
}

describe.each(PROTOCOLS)('over %s', (protocol) => {
  describe.each([
    ['the newest SDK', newest],
    ['the SDK of 2023', oldest as unknown as typeof newest],
  ])('%s', (_which, aws) => {
    const TableName = 'table'
    const Key = { id: { S: 'a' } }

    it('puts, gets and queries', async () => {
      const { sdk, origin } = await setup(protocol, aws)
      const item = { id: { S: 'a' }, text: { S: 'contént' } }
      await sdk.send(new aws.PutItemCommand({ TableName, Item: item }))
      expect(await sdk.send(new aws.GetItemCommand({ TableName, Key }))).toMatchObject({ Item: item })
      expect(await sdk.send(new aws.QueryCommand({ TableName, KeyConditionExpression: 'id = a' }))).toMatchObject({
        Items: [item],
      })
      expect(origin.connections).toBe(1)
    })

    it.each<[number, string]>([
      [500, 'InternalServerError'],
      [503, 'ServiceUnavailable'],
      [400, 'ProvisionedThroughputExceededException'],
      [400, 'ThrottlingException'],
    ])('status %i %s is retried', async (status, type) => {
      const { sdk, table } = await setup(protocol, aws, (attempt) => (attempt === 1 ? [status, type] : undefined))
      const { $metadata } = await sdk.send(new aws.GetItemCommand({ TableName, Key }))
      expect([table.attempts, $metadata.attempts]).toEqual([2, 2])
    })

    it('an error of the caller is thrown with its type, once', async () => {
      const { sdk, table } = await setup(protocol, aws, () => [400, 'ResourceNotFoundException'])
      await expect(sdk.send(new aws.GetItemCommand({ TableName, Key }))).rejects.toBeInstanceOf(aws.ResourceNotFoundException)
      expect(table.attempts).toBe(1)
    })

    it('a connection that cannot be opened is retried as often as the SDK says, and then thrown', async () => {
      const { sdk, origin, own } = await setup(protocol, aws)
      await origin.close()
      const sent = sdk.send(new aws.GetItemCommand({ TableName, Key }))
      await expect(sent).rejects.toMatchObject({ code: 'ECONNREFUSED' })
      expect(own.stats().totals.requests).toBe(3)
    })

    it('an abort by a timeout is not retried', async () => {
      const origin = await server({ handler: () => undefined, protocols: [protocol] })
      const own = client()
      const config = configuration('dynamodb', origin.port)
      const sdk = new aws.DynamoDBClient({ ...config, requestHandler: requestHandler(own) })
      const sent = sdk.send(new aws.GetItemCommand({ TableName, Key }), { abortSignal: AbortSignal.timeout(50) })
      await expect(sent).rejects.toMatchObject({ name: 'AbortError' })
      expect(own.stats().totals.requests).toBeLessThanOrEqual(1)
    })

    it('a timeout is retried', async () => {
      const origin = await server({ handler: () => undefined, protocols: [protocol] })
      const own = client()
      const sdk = new aws.DynamoDBClient({
        ...configuration('dynamodb', origin.port),
        requestHandler: requestHandler(own, { requestTimeout: 50 }),
        retryStrategy: { mode: 'test', retry: undefined as never, ...fastRetries() },
      })
      await expect(sdk.send(new aws.GetItemCommand({ TableName, Key }))).rejects.toMatchObject({ name: 'TimeoutError' })
      expect(own.stats().totals.requests).toBe(3)
      // A command may have its own.
      const timed = sdk.send(new aws.GetItemCommand({ TableName, Key }), { requestTimeout: 20 })
      await expect(timed).rejects.toMatchObject({ name: 'TimeoutError', cause: { ms: 20 } })
    })
  })
})

it('two SDK clients share a handler and a connection; destroying one leaves the connection open', async () => {
  const table = createTable(() => undefined)
  const origin = await server({ handler: table.handler, protocols: ['h2'] })
  const shared = requestHandler(client())
  const [one, two] = ['a', 'b'].map(
    () => new newest.DynamoDBClient({ ...configuration('dynamodb', origin.port), requestHandler: shared }),
  )
  const get = new newest.GetItemCommand({ TableName: 'table', Key: { id: { S: 'a' } } })
  await one!.send(get)
  one!.destroy()
  await two!.send(get)
  expect(origin.connections).toBe(1)
})
