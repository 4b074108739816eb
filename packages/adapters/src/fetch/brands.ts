/**
 * What kind of platform object a value is, by its brand: another realm's `Request`, or that of undici's package, is not `instanceof` ours,
 * and naming our global loads Node's own fetch (50 ms) for programs that do without it.
 */

/** The brand, such as `FormData`; `Object` for what has none. */
export function brandOf(value: object): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1)
}

/** Whether `value` is an object at all. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Whether `value` is a `Request`, whoever made it. */
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
 * The prototype of a class of ours that stands in for the platform's: `instanceof` answers yes, and the platform's class is looked up only
 * when somebody asks. Its members are not inherited: they want the platform's own slots.
 */
export function standInFor(name: 'Response' | 'Headers'): object {
  // A program may have taken the global away: then nobody can ask for it.
  const prototype = (): object => (globalThis[name] as { prototype: object } | undefined)?.prototype ?? Object.prototype
  const platform = new Proxy({}, { getPrototypeOf: prototype })
  // biome-ignore lint/suspicious/noThenProperty: every promise looks for it, and what it finds here costs a fifth of asking the proxy.
  return Object.create(platform, { then: { value: undefined } })
}
