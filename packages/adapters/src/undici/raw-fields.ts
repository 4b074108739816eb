/** Fields in undici's two forms: buffers as they were on the wire, and an object. Ours are latin1 text. */

import type { ResponseFields } from './contract.js'

const MOST_NAMES = 1_024
const names = new Map<string, Buffer>()

/** Name, value, name, value… as bytes. */
export function toRaw(list: readonly string[]): Buffer[] {
  const raw = new Array<Buffer>(list.length)
  for (let i = 0; i < list.length; i += 2) {
    raw[i] = nameOf(list[i]!)
    raw[i + 1] = Buffer.from(list[i + 1]!, 'latin1')
  }
  return raw
}

/** Responses have few names: one buffer each, which nobody writes to. */
function nameOf(name: string): Buffer {
  let raw = names.get(name)
  if (raw === undefined) {
    if (names.size >= MOST_NAMES) names.clear()
    raw = Buffer.from(name, 'latin1')
    names.set(name, raw)
  }
  return raw
}

/** Name to value; several lines are a list. Values are UTF-8, as undici reads them. */
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

/** As an own property: `__proto__` is a field name like others. */
function define(fields: ResponseFields, name: string, value: string): void {
  if (name !== '__proto__') fields[name] = value
  else Object.defineProperty(fields, name, { value, writable: true, enumerable: true, configurable: true })
}

function decoded(value: string): string {
  return /^[\x00-\x7f]*$/.test(value) ? value : Buffer.from(value, 'latin1').toString('utf8')
}
