/**
 * Waits with a limit. Real time only ends waits that should not have lasted; it never decides a
 * cell.
 */

/** @throws Error naming `what` if it takes longer than `ms`. */
export function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what}: no result within ${ms} ms`)), ms)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/**
 * Waits until a condition holds, checking once per turn. @throws Error naming `what` after `ms`.
 */
export async function until(ms: number, what: string, isSo: () => boolean): Promise<void> {
  const end = performance.now() + ms
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`${what}: not within ${ms} ms`)
    await turn()
  }
}

/** Waits one event-loop turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Creates a promise and the function that resolves it. */
export function gate<T = void>(): { readonly promise: Promise<T>; open(value: T): void } {
  let open!: (value: T) => void
  const promise = new Promise<T>((resolve) => {
    open = resolve
  })
  return { promise, open }
}
