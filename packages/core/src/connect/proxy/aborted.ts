/** Waiting for what cannot be ended, no longer than a signal allows. */

/** Settles as `promise` does, or with the reason of `signal` where that comes first. */
export function unlessAborted<Value>(promise: Promise<Value> | Value, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    Promise.resolve(promise)
      .finally(() => signal.removeEventListener('abort', onAbort))
      .then(resolve, reject)
  })
}
