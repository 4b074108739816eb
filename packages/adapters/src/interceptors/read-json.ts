/** JSON content, checked by a schema of any library that implements Standard Schema (https://standardschema.dev). */

import { ResponseError } from '@unshard/core'
import { invalidOption } from '@unshard/core/internal'
import { type AnyResponse, checkResponse, originOf } from '../fetch/any-response.js'
import { shownUrl } from './shown-url.js'

/** The part of Standard Schema 1 that is used here. */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
  }
}

/** The result of a schema: the value, or why it is invalid. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

/** One reason why a value is invalid. */
export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** The error for a value that does not match its schema: `ERR_SCHEMA`. */
export class SchemaError extends ResponseError {
  readonly issues: readonly SchemaIssue[]

  constructor(message: string, origin: string | undefined, issues: readonly SchemaIssue[]) {
    super('ERR_SCHEMA', message, { origin })
    this.issues = issues
  }
}

/**
 * Reads the content as JSON, and resolves with the value that the schema returns.
 * @param response of `fetch` or of `client.request`.
 * @throws SchemaError; ResponseError `ERR_INVALID_JSON` or the error of `response.json()`; UsageError `ERR_INVALID_BODY`,
 *   `ERR_INVALID_OPTION`.
 */
export async function readJson<Output>(response: AnyResponse, schema: StandardSchema<Output>): Promise<Output> {
  checkResponse(response, 'readJson()')
  checkSchema(schema)
  const { url = '' } = response as Partial<Response>
  const name = url === '' ? 'the response' : shownUrl(url)
  return validated(await response.json(), schema, name, originOf(response))
}

/** @throws UsageError `ERR_INVALID_OPTION`. */
export function checkSchema(schema: StandardSchema<unknown>): void {
  if (typeof schema?.['~standard']?.validate === 'function') return
  throw invalidOption('schema', 'a Standard Schema', schema)
}

/** @throws SchemaError. @param name of the response, for the error. */
export async function validated<Output>(
  value: unknown,
  schema: StandardSchema<Output>,
  name: string,
  origin: string | undefined,
): Promise<Output> {
  const result = await schema['~standard'].validate(value)
  if (result.issues === undefined) return result.value
  throw new SchemaError(`${name} does not match its schema: ${shown(result.issues)}`, origin, result.issues)
}

/** Maximum number of issues in a message. */
const MAX_SHOWN = 3
/** Maximum length of their text, in characters. */
const MAX_LENGTH = 300

function shown(issues: readonly SchemaIssue[]): string {
  const texts = issues.slice(0, MAX_SHOWN).map(({ message, path = [] }) => {
    const keys = path.map((each) => String(typeof each === 'object' ? each.key : each)).join('.')
    return keys === '' ? message : `${keys}: ${message}`
  })
  const text = texts.join('; ').replace(/[\x00-\x1f\x7f-\x9f]/g, ' ')
  const cut = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text
  return issues.length > MAX_SHOWN ? `${cut}; … ${issues.length} in all` : cut
}
