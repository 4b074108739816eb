/** Converts metadata between `@grpc/grpc-js` and the fields of HTTP. */

import type { GrpcMetadata, GrpcMetadataClass } from './types.js'

/** Returns the fields of metadata: binary values are in base64. */
export function* fieldsOf(metadata: GrpcMetadata): Iterable<[string, string]> {
  const headers = metadata.toHttp2Headers()
  for (const name of Object.keys(headers)) {
    const value = headers[name]
    if (Array.isArray(value)) for (const each of value) yield [name, String(each)]
    else if (value !== undefined) yield [name, String(value)]
  }
}

/** Returns metadata of received fields. */
export function metadataOf(made: GrpcMetadataClass, fields: readonly string[]): GrpcMetadata {
  if (fields.length === 0) return new made()
  const headers: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!
    const value = fields[i + 1]!
    const before = headers[name]
    if (before === undefined) headers[name] = value
    else if (Array.isArray(before)) before.push(value)
    else headers[name] = [before, value]
  }
  return made.fromHttp2Headers(headers)
}
