/** A server of connect-node. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'

interface Message {
  readonly text: string
  readonly count: number
}
interface Context {
  readonly requestHeader: Headers
  readonly responseHeader: Headers
  readonly signal: AbortSignal
}

/** Rejects once a call has been aborted. */
function endOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })
}

/** @param service description that the programs use. Returns the handler of one server. */
export function connectServer(service: never): (request: IncomingMessage, response: ServerResponse) => void {
  const methods = {
    async unary({ text }: Message, { requestHeader, responseHeader, signal }: Context) {
      if (text === 'wrong') throw new ConnectError('a wrong name', Code.InvalidArgument)
      if (text === 'silent') await endOf(signal)
      responseHeader.set('x-seen', requestHeader.get('x-a') ?? '')
      return { text }
    },
    async *serverStream({ count }: Message, { signal }: Context) {
      for (let i = 1; i <= Math.abs(count); i++) {
        yield { text: `${i} ` }
        if (count < 0) throw new ConnectError('no more', Code.ResourceExhausted)
        if (count === 1000) await endOf(signal)
      }
    },
  }
  const routes = (router: ConnectRouter): unknown => router.service(service, methods as never)
  return connectNodeAdapter({ routes }) as unknown as (request: IncomingMessage, response: ServerResponse) => void
}
