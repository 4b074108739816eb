/** Cookies (RFC 6265), where `createFetch` is given a jar: whose they are is the jar's to know, when they travel is decided here. */

import { type Fields, type Processed, UsageError } from '@unshard/core'
import { type Abortable, abortReason, linkAbort, unlinkAbort } from '@unshard/core/internal'
import { networkError } from './errors.js'

/** Where cookies are kept: the part of tough-cookie's `CookieJar` that is needed. */
export interface CookieJar {
  /** The `cookie` field for a request to `url`; empty where there is none. */
  getCookieString(url: string): Promise<string> | string
  /** Keeps what a `set-cookie` field of a response from `url` says. What is no cookie, or not that server's to set, is ignored and no error. */
  setCookie(cookie: string, url: string, options: { ignoreError: boolean }): unknown
}

/** @throws UsageError `ERR_INVALID_OPTION`. */
export function checkJar(jar: CookieJar): void {
  for (const method of ['getCookieString', 'setCookie'] as const) {
    if (typeof jar[method] !== 'function')
      throw new UsageError('ERR_INVALID_OPTION', `cookies has no method ${method}: it is not a cookie jar`)
  }
}

/**
 * Whether a request to `url` takes cookies along, and keeps those it is sent (Fetch standard §2.2.5, credentials mode). Without a page
 * every origin is as good as the same one.
 */
export function takesCookies(credentials: string, page: string | undefined, url: string): boolean {
  if (credentials === 'omit') return false
  if (credentials === 'include' || page === undefined) return true
  return new URL(page).origin === new URL(url).origin
}

/** The value of `cookie` for a request; `undefined` for none. @throws TypeError whose `cause` is a UsageError `ERR_COOKIE_JAR`, whose cause is the jar's error; the reason of `signal`. */
export async function cookiesFor(jar: CookieJar, url: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  const asked = async (): Promise<string> => jar.getCookieString(url)
  return (await unlessAborted(asked(), signal, 'the cookie jar gives no cookies', 'no')) || undefined
}

/** Keeps what a response sets. @throws as {@link cookiesFor}. */
export async function keepCookies(jar: CookieJar, url: string, headers: Fields, signal: AbortSignal | undefined): Promise<void> {
  const cookies = headers.getAll('set-cookie')
  if (cookies.length === 0) return
  const kept = async (): Promise<void> => {
    for (const cookie of cookies) await jar.setCookie(cookie, url, { ignoreError: true })
  }
  await unlessAborted(kept(), signal, 'the cookie jar keeps no cookies', 'yes')
}

/** What the jar does, for as long as anybody wants it: a store may be far away. */
function unlessAborted<Value>(
  work: Promise<Value>,
  signal: AbortSignal | undefined,
  otherwise: string,
  processed: Processed,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const waiting: Abortable = { abort: reject }
    if (signal?.aborted === true) reject(abortReason(signal))
    else if (signal !== undefined) linkAbort(signal, waiting)
    work
      .then(resolve, (cause: unknown) => reject(networkError(new UsageError('ERR_COOKIE_JAR', otherwise, { cause, processed }))))
      .finally(() => signal !== undefined && unlinkAbort(signal, waiting))
  })
}
