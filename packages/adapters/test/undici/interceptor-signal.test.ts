/** The signal that interceptors of the client see under the dispatcher of undici. */

import { Dispatcher } from '../../src/undici/index.js'
import { testEnvironment } from '../environment.js'

const { client: createClient, server } = testEnvironment()

it('is one that they can listen to, and it is aborted with the dispatch', async () => {
  const origin = await server({ handler: () => undefined })
  const reasons: unknown[] = []
  let seen!: () => void
  const isSeen = new Promise<void>((resolve) => {
    seen = resolve
  })
  const client = createClient({
    interceptors: [
      (request, next) => {
        request.signal?.addEventListener('abort', () => reasons.push(request.signal?.reason))
        expect(AbortSignal.any([request.signal!]).aborted).toBe(false)
        seen()
        return next(request)
      },
    ],
  })
  const dispatcher = new Dispatcher({ client })
  const controller = new AbortController()
  const request = dispatcher.request({
    ...{ origin: origin.url('a.test.example'), path: '/', method: 'GET' },
    signal: controller.signal,
  } as never)
  await isSeen
  const reason = new Error('left')
  controller.abort(reason)
  await expect(request).rejects.toBe(reason)
  expect(reasons).toHaveLength(1)
  await dispatcher.close()
})
