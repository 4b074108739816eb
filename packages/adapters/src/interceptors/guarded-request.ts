/** One request inside a policy such as a circuit: what the policy counts as a failure, and what the caller gets. */

import { ConnectionError, type HttpResponse, type InterceptedRequest, type Next, parseOrigin, UsageError } from '@unshard/core'
import { isSentOnce, watchEnd } from '@unshard/core/internal'
import { judge } from './checks.js'

/** A policy: calls the function, or rejects without calling it. */
export interface ExecutingPolicy {
  execute<Value>(run: () => Promise<Value>): Promise<Value>
}

/** Reports a failed response to the policy. */
class FailedResponse extends Error {
  readonly response: HttpResponse

  constructor(response: HttpResponse) {
    super(`status ${response.status}`)
    this.response = response
  }
}

/** Reports an error to the caller that is not a failure of the origin. */
class Passed {
  readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }
}

/** One request, which a policy may send several times. */
export class GuardedRequest {
  readonly #request: InterceptedRequest
  readonly #next: Next
  readonly #isFailure: (response: HttpResponse) => boolean
  #attempts = 0
  /** Why the last attempt failed. */
  #failure: unknown
  /** Why the caller left. */
  #left: Passed | undefined
  #isOver = false

  constructor(request: InterceptedRequest, next: Next, isFailure: (response: HttpResponse) => boolean) {
    this.#request = request
    this.#next = next
    this.#isFailure = isFailure
  }

  async run(policy: ExecutingPolicy): Promise<HttpResponse> {
    const unwatch = watchEnd(this.#request, this)
    let result: HttpResponse | Passed
    try {
      result = await policy.execute<HttpResponse | Passed>(() => this.#send())
    } catch (error) {
      if (error instanceof FailedResponse) return error.response
      this.#dropFailed()
      throw this.#attempts === 0 || isOpen(error) ? this.#openError(error) : error
    } finally {
      this.#isOver = true
      unwatch()
    }
    this.#dropFailed()
    if (result instanceof Passed) throw result.error
    return result
  }

  /** Called when the caller leaves. */
  abort(reason: unknown): void {
    this.#left = new Passed(reason)
  }

  async #send(): Promise<HttpResponse | Passed> {
    if (this.#left !== undefined) return this.#left
    if (this.#attempts > 0 && isSentOnce(this.#request.body)) throw this.#failure
    this.#dropFailed()
    this.#attempts++
    try {
      const response = await this.#next(this.#request)
      // The policy gave up in the meantime.
      if (this.#isOver) response.discard()
      if (!judge(this.#isFailure, response)) return response
      throw new FailedResponse(response)
    } catch (error) {
      if (this.#left !== undefined || error instanceof UsageError) return new Passed(error)
      this.#failure = error
      throw error
    }
  }

  #dropFailed(): void {
    if (this.#failure instanceof FailedResponse) this.#failure.response.discard()
  }

  #openError(cause: unknown): ConnectionError {
    const origin = parseOrigin(this.#request.url).serialized
    const processed = this.#attempts === 0 ? 'no' : 'unknown'
    return new ConnectionError('ERR_CIRCUIT_OPEN', 'the circuit is open', { origin, cause, initiator: 'local', processed })
  }
}

/** Whether an error is that of an open circuit of cockatiel. */
function isOpen(error: unknown): boolean {
  const { isBrokenCircuitError, isIsolatedCircuitError } = (error ?? {}) as Record<string, unknown>
  return isBrokenCircuitError === true || isIsolatedCircuitError === true
}
