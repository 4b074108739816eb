/** Checks the content of each response by a schema. */

import { type Fields, type HttpResponse, type Interceptor, parseOrigin } from '@unshard/core'
import { checkSchema, type StandardSchema, validated } from './read-json.js'
import { shownUrl } from './shown-url.js'

/** Fields about the bytes of the content, which is encoded again. */
const ABOUT_BYTES: ReadonlySet<string> = new Set([
  'content-length',
  'content-encoding',
  'content-digest',
  'repr-digest',
  'digest',
])

/**
 * Parses the content of each 2xx response as JSON, and passes on what the schema returns, encoded as JSON again. A value without JSON, such
 * as a `Date`, keeps its type only with `readJson()`.
 * @throws UsageError `ERR_INVALID_OPTION`.
 */
export function json(schema: StandardSchema<unknown>): Interceptor {
  checkSchema(schema)
  return async (request, next) => {
    // `fetch` decodes content outside of interceptors: here it must not be compressed.
    const plain = request.headers.has('accept-encoding')
      ? request.with({ headers: [...without(request.headers, 'accept-encoding'), ['accept-encoding', 'identity']] })
      : request
    const response = await next(plain)
    if (request.method === 'HEAD' || !hasContent(response)) return response
    const { serialized } = parseOrigin(request.url)
    const value = await validated(await response.json(), schema, shownUrl(request.url), serialized)
    const headers = [...response.headers].filter(([name]) => !ABOUT_BYTES.has(name))
    return response.with({ headers, body: JSON.stringify(value) ?? 'null' })
  }
}

function without(headers: Fields, removed: string): [string, string][] {
  return [...headers].filter(([name]) => name !== removed)
}

function hasContent({ status }: HttpResponse): boolean {
  return status >= 200 && status < 300 && status !== 204 && status !== 205
}
