/**
 * Detects platform objects by their brand: a `Request` of another realm or of the undici package is
 * not an `instanceof` ours, and naming the global would load Node's own fetch (50 ms) for programs
 * that do not need it.
 */

/** Returns the brand, such as `FormData`; `Object` if the value has no brand. */
export function brandOf(value: object): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1)
}

/** Whether `value` is an object. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Whether `value` is a `Request` of any realm or library. */
export function isRequest(value: unknown): value is Request {
  return isObject(value) && !(value instanceof URL) && brandOf(value) === 'Request' && typeof (value as Request).url === 'string'
}

/** Whether `value` can end a request. */
export function isSignal(value: unknown): value is AbortSignal {
  return value instanceof AbortSignal || (isObject(value) && typeof (value as AbortSignal).addEventListener === 'function')
}

/** Whether `value` is a `Blob` or a `File`. */
export function isBlob(value: unknown): value is Blob {
  if (value instanceof Blob) return true
  if (!isObject(value)) return false
  const brand = brandOf(value)
  return (brand === 'Blob' || brand === 'File') && typeof (value as Blob).stream === 'function'
}

/**
 * Returns a prototype for a class that replaces the platform's: `instanceof` is true, and the
 * platform's class is looked up only on demand. Its members are not inherited, because they need
 * the platform's internal slots.
 */
export function standInFor(name: 'Response' | 'Headers'): object {
  // The program may have deleted the global: then `instanceof` cannot be asked.
  const prototype = (): object => (globalThis[name] as { prototype: object } | undefined)?.prototype ?? Object.prototype
  const platform = new Proxy({}, { getPrototypeOf: prototype })
  // biome-ignore lint/suspicious/noThenProperty: promises look it up, and an own property costs a fifth of the proxy trap.
  return Object.create(platform, { then: { value: undefined } })
}
