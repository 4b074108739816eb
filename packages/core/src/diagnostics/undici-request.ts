/** A request in the shape that instrumentations of undici read: its origin, path and headers, and `addHeader`. */

import { checkFields } from '../message/fields.js'
import { type HttpRequest, isIdempotent } from '../message/request.js'

/** Which request of which client a message is about. */
export interface RequestIdentity {
  readonly clientId: number
  readonly request: number
}

/** undici's `Request`, as far as instrumentations use it. */
export class UndiciRequest {
  /** Such as `https://a.example`. */
  readonly origin: string
  readonly protocol: string
  readonly method: string
  /** With the query. */
  readonly path: string
  /** Name, value, name, value… */
  readonly headers: string[]
  readonly host: string
  readonly servername: string
  readonly idempotent: boolean
  readonly body: null | object
  /** Not a member of undici's: the client (see `ClientStats.id`) and the request (see `RequestEvent.request`). */
  readonly unshard: RequestIdentity
  completed = false
  aborted = false

  constructor({ origin, method, path, fields, authority, content }: HttpRequest, identity: RequestIdentity) {
    this.unshard = identity
    this.origin = origin.serialized
    this.protocol = `${origin.scheme}:`
    this.method = method
    this.path = path
    this.headers = [...fields]
    this.host = authority
    this.servername = origin.host
    this.idempotent = isIdempotent(method)
    this.body = content ?? null
  }

  /**
   * Adds a field, before the request is sent.
   * @throws UsageError for a name or a value that HTTP does not allow.
   */
  addHeader(name: string, value: string): this {
    this.headers.push(...checkFields([[name, value]]).list)
    return this
  }

  /**
   * Returns the request with the fields that were added, here or at the end of `headers`.
   * @throws UsageError for a name or a value that HTTP does not allow.
   */
  applyTo(request: HttpRequest): HttpRequest {
    const { fields } = request
    if (this.headers.length === fields.length) return request
    const added = this.headers.slice(fields.length)
    return { ...request, fields: [...fields, ...checkFields(pairsOf(added)).list] }
  }
}

function pairsOf(list: readonly string[]): [string, string][] {
  const pairs: [string, string][] = []
  for (let i = 0; i + 1 < list.length; i += 2) pairs.push([list[i]!, list[i + 1]!])
  return pairs
}
