/**
 * Entries of `PerformanceResourceTiming` (Resource Timing, §3.2), which Node's own fetch adds to the
 * performance timeline.
 */

import type { HttpResponse } from '@unshard/core'

/** The times of one fetch, by the clock of `performance`, in milliseconds. */
export class FetchTimes {
  readonly #url: string
  readonly #startedAt: number = performance.now()
  /** When the request for the last redirect began. */
  #hopAt: number = this.#startedAt
  #redirectedAt = 0

  /** @param url of the first request. */
  constructor(url: string) {
    this.#url = url
  }

  /** A request follows a redirect. */
  redirected(): void {
    this.#hopAt = performance.now()
    this.#redirectedAt = this.#hopAt
  }

  /** Adds an entry once the whole response has arrived. */
  watch(response: HttpResponse): void {
    response.onOver(() => response.complete && this.#mark(response))
  }

  #mark(response: HttpResponse): void {
    const { timings, receivedBytes, connection, status, headers } = response
    const { sentMs, headersMs, queuedMs, dnsMs, connectMs, tlsMs } = timings
    const hopAt = this.#hopAt
    const dialedAt = hopAt + queuedMs
    const isEncoded = headers.has('content-encoding')
    const encodedBodySize = receivedBytes
    const decodedBodySize = isEncoded ? 0 : receivedBytes
    const info = {
      startTime: this.#startedAt,
      redirectStartTime: this.#redirectedAt === 0 ? 0 : this.#startedAt,
      redirectEndTime: this.#redirectedAt,
      postRedirectStartTime: hopAt,
      finalServiceWorkerStartTime: 0,
      finalNetworkRequestStartTime: hopAt + sentMs,
      finalNetworkResponseStartTime: hopAt + headersMs,
      endTime: performance.now(),
      encodedBodySize,
      decodedBodySize,
      finalConnectionTimingInfo: {
        domainLookupStartTime: dialedAt,
        domainLookupEndTime: dialedAt + dnsMs,
        connectionStartTime: dialedAt + dnsMs,
        connectionEndTime: dialedAt + dnsMs + connectMs + tlsMs,
        secureConnectionStartTime: tlsMs === 0 ? 0 : dialedAt + dnsMs + connectMs,
        ALPNNegotiatedProtocol: connection.protocol,
      },
    }
    mark()?.(info, this.#url, 'fetch', globalThis, '', { encodedBodySize, decodedBodySize }, status, '')
  }
}

/** Undocumented, and missing in other runtimes. */
function mark(): ((...values: unknown[]) => unknown) | undefined {
  return (performance as { markResourceTiming?: (...values: unknown[]) => unknown }).markResourceTiming
}
