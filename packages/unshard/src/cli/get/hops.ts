/** The responses of one transfer: each hop of a redirect, and interim responses. */

import type { ConnectionInfo, HttpResponse, Interceptor, Timings } from '@unshard/core'

/** One response. */
export interface Hop {
  readonly url: string
  readonly method: string
  readonly status: number
  readonly statusText: string
  readonly protocol: 'h2' | 'http/1.1'
  /** Name, value. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly connection: ConnectionInfo
  readonly timings: Timings
  /** Whether its connection was dialed for it. */
  readonly isDialed: boolean
}

/** Records the responses of one transfer. */
export class Hops {
  readonly list: Hop[] = []
  readonly #onHop: (hop: Hop) => void

  /** @param onHop called with each response, before its content. */
  constructor(onHop: (hop: Hop) => void) {
    this.#onHop = onHop
  }

  get last(): Hop | undefined {
    return this.list.at(-1)
  }

  /** The innermost interceptor of the request. */
  readonly interceptor: Interceptor = async (request, next) => {
    const response = await next(request)
    const hop = hopOf(response, request.method, request.url)
    this.list.push(hop)
    this.#onHop(hop)
    return response
  }
}

/** The head of a response as curl writes it. */
export function headOf({ status, statusText, protocol, headers }: Hop): string {
  const version = protocol === 'h2' ? '2' : '1.1'
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return `HTTP/${version} ${status} ${statusText}\r\n${lines}\r\n`
}

function hopOf(response: HttpResponse, method: string, url: string): Hop {
  const { status, statusText, headers, connection, timings } = response
  return {
    ...{ url, method, status, statusText, connection, timings, headers: [...headers] },
    protocol: connection.protocol,
    isDialed: timings.connectMs > 0,
  }
}
