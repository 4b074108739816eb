/** Makes the calls of a plan, by a client of `@grpc/grpc-js` over `channel()` or by `grpcClient()`, and says what came of them. */

import * as grpc from '@grpc/grpc-js'
import { createClient } from 'unshard'
import { channel, GrpcError, grpcClient } from 'unshard/grpc'
import { KINDS, messageOf } from './plan.mjs'

const bytes = (value) => value
export const METHODS = Object.fromEntries(
  Object.entries(KINDS).map(([kind, [requestStream, responseStream]]) => [
    kind,
    {
      ...{ path: `/chaos.Service/${kind}`, requestStream, responseStream },
      ...{ requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes },
    },
  ]),
)
export const Service = grpc.makeGenericClientConstructor(METHODS, 'Service')

/** Returns a function that makes the call of a plan, and one that closes all. */
export function makeCallers(port, ca) {
  const lookup = (_host, _options, done) => done(null, '127.0.0.1', 4)
  const clients = [0, 1, 2].map(() => createClient({ tls: { ca }, lookup }))
  const credentials = grpc.credentials.createSsl(Buffer.from(ca))
  const services = clients.map((client, i) => {
    const address = `host${i}.test.example:${port}`
    return new Service(address, credentials, { channelOverride: channel(client, address, credentials, {}, { tls: 'client' }) })
  })
  const callers = clients.map((client, i) => grpcClient(client, { baseUrl: `https://other${i}.test.example:${port}` }))
  return {
    clients,
    call: (plan) => (plan.way === 'channel' ? byChannel(services[plan.client], plan) : byGrpcClient(callers[plan.client], plan)),
    async close() {
      for (const service of services) service.close()
      await Promise.all(clients.map((client) => client.destroy()))
    },
  }
}

const requestsOf = ({ number, requests }) => requests.map((size, i) => messageOf(number, i, size))

/** Cancels the call as its plan says: after some turns, or once a message has come. */
async function cancelLater(plan, heard, cancel) {
  if (plan.event !== 'cancel') return
  if (plan.at > 0) await heard
  for (let turn = 0; turn < plan.turns; turn++) await new Promise(setImmediate)
  cancel()
}

/** Resolves with the status, the messages, and how often the call has ended. */
function byChannel(service, plan) {
  const { kind, number, deadlineMs } = plan
  const [requestStream, responseStream] = KINDS[kind]
  const metadata = new grpc.Metadata()
  metadata.set('x-number', String(number))
  const options = { deadline: Date.now() + deadlineMs }
  const outcome = { messages: [], ends: 0, callbacks: 0, status: undefined }
  return new Promise((resolve) => {
    const heard = Promise.withResolvers?.() ?? deferred()
    const add = (message) => {
      outcome.messages.push(message)
      heard.resolve()
    }
    const done = (error, message) => {
      outcome.callbacks++
      if (error === null) add(message)
    }
    const callback = responseStream ? [] : [done]
    const messages = requestsOf(plan)
    const call = requestStream
      ? service[kind](metadata, options, ...callback)
      : service[kind](messages[0], metadata, options, ...callback)
    call.on('data', add)
    call.on('error', () => undefined)
    call.on('status', ({ code, details }) => {
      outcome.ends++
      Object.assign(outcome, { code, details })
      heard.resolve()
      // Whatever comes after the status is seen too.
      if (outcome.ends === 1) setImmediate(() => setImmediate(() => resolve(outcome)))
    })
    if (requestStream) {
      for (const message of messages) call.write(message)
      call.end()
    }
    void cancelLater(plan, heard.promise, () => call.cancel())
  })
}

function deferred() {
  let resolve
  const promise = new Promise((resolved) => {
    resolve = resolved
  })
  return { promise, resolve }
}

async function byGrpcClient(calls, plan) {
  const { kind, number, deadlineMs } = plan
  const [requestStream, responseStream] = KINDS[kind]
  const controller = new AbortController()
  const options = { signal: controller.signal, timeoutMs: deadlineMs, metadata: { 'x-number': String(number) } }
  const outcome = { messages: [], ends: 1, callbacks: 1, code: 0, details: '' }
  const heard = deferred()
  void cancelLater(plan, heard.promise, () => controller.abort(new Error('canceled')))
  const messages = requestsOf(plan)
  try {
    const call = calls[kind](METHODS[kind], requestStream ? messages : messages[0], options)
    if (responseStream)
      for await (const message of call) {
        outcome.messages.push(message)
        heard.resolve()
      }
    else outcome.messages.push((await call).response)
  } catch (error) {
    if (error instanceof GrpcError) Object.assign(outcome, { code: error.status, details: error.details })
    else if (controller.signal.aborted && error === controller.signal.reason)
      Object.assign(outcome, { code: 1, details: 'reason' })
    else Object.assign(outcome, { code: -1, details: String(error?.stack ?? error) })
  }
  heard.resolve()
  return outcome
}
