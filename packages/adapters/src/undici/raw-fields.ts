/**
 * Converts fields to undici's two forms: buffers as on the wire, and an object. Ours are latin1
 * text.
 */

import type { ResponseFields } from './contract.js'

/**
 * Returns name, value, name, value… as bytes: views of one buffer that no other response shares.
 */
export function toRaw(list: readonly string[]): Buffer[] {
  const raw = new Array<Buffer>(list.length)
  const all = Buffer.from(list.join(''), 'latin1')
  let start = 0
  for (let i = 0; i < list.length; i++) {
    const end = start + list[i]!.length
    raw[i] = all.subarray(start, end)
    start = end
  }
  return raw
}

/**
 * Returns an object by name; several lines become a list. Values are UTF-8, as undici reads them.
 */
export function toObject(list: readonly string[]): ResponseFields {
  const fields: ResponseFields = {}
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i]!
    const value = decoded(list[i + 1]!)
    if (!Object.hasOwn(fields, name)) define(fields, name, value)
    else if (Array.isArray(fields[name])) fields[name].push(value)
    else fields[name] = [fields[name] as string, value]
  }
  return fields
}

/** Defines an own property: `__proto__` is an ordinary field name. */
function define(fields: ResponseFields, name: string, value: string): void {
  if (name !== '__proto__') fields[name] = value
  else Object.defineProperty(fields, name, { value, writable: true, enumerable: true, configurable: true })
}

function decoded(value: string): string {
  return /^[\x00-\x7f]*$/.test(value) ? value : Buffer.from(value, 'latin1').toString('utf8')
}
