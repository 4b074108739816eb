/**
 * Computes the TLS part of the reuse key: equal strings mean that two connections would use the
 * same trust and the same identity. Covers every option; bytes by content, functions and opaque
 * objects by identity.
 */

import { nodeCrypto } from './node-tls.js'
import type { TlsOptions } from './tls-options.js'

let lastIdentity = 0
const identities = new WeakMap<object, number>()

/** Returns a canonical hash of TLS options, whatever their order. */
export function tlsIdentity(options: TlsOptions): string {
  const hash = nodeCrypto().createHash('sha256')
  for (const name of Object.keys(options).sort()) {
    const value = options[name as keyof TlsOptions]
    if (value === undefined) continue
    hash.update(`${name}=`)
    describe(value, (part) => hash.update(part))
    hash.update(';')
  }
  return hash.digest('base64url').slice(0, 22)
}

/** Every value is prefixed with its type, so that values of different types never collide. */
function describe(value: unknown, write: (part: string | Uint8Array) => void): void {
  if (typeof value === 'string') write(`s${value.length}:${value}`)
  else if (value instanceof Uint8Array) {
    write(`b${value.length}:`)
    write(value)
  } else if (Array.isArray(value)) {
    write(`a${value.length}[`)
    for (const item of value) describe(item, write)
    write(']')
  } else if (typeof value === 'function') write(`f${identityOf(value)}`)
  else if (isPlain(value)) {
    write('{')
    for (const key of Object.keys(value).sort()) {
      write(`${key.length}:${key}=`)
      describe(value[key], write)
    }
    write('}')
  } else if (typeof value === 'object' && value !== null) write(`o${identityOf(value)}`)
  else write(`${typeof value}:${String(value)}`)
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function identityOf(value: object): number {
  let identity = identities.get(value)
  if (identity === undefined) {
    identity = ++lastIdentity
    identities.set(value, identity)
  }
  return identity
}
