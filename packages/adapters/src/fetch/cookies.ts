/**
 * Cookies (RFC 6265) for a `fetch` with a jar: the jar knows their scope, this file decides when
 * they are sent and stored.
 */

import { type Fields, type Processed, UsageError } from '@unshard/core'
import { type Abortable, abortReason, linkAbort, unlinkAbort } from '@unshard/core/internal'
import { networkError } from './errors.js'

/** Cookie store: the part of tough-cookie's `CookieJar` that is used. */
export interface CookieJar {
  /** Returns the `cookie` field for a request to `url`; empty for no cookies. */
  getCookieString(url: string): Promise<string> | string
  /**
   * Stores a `set-cookie` field of a response from `url`. Must ignore invalid cookies and cookies
   * the server may not set.
   */
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
 * Whether a request to `url` sends and stores cookies (Fetch standard §2.2.5, credentials mode).
 * Without a page every origin counts as same-origin.
 */
export function takesCookies(credentials: string, page: string | undefined, url: string): boolean {
  if (credentials === 'omit') return false
  if (credentials === 'include' || page === undefined) return true
  return new URL(page).origin === new URL(url).origin
}

/**
 * Resolves with the value of `cookie`; `undefined` for none. @throws TypeError whose `cause` is a
 * UsageError `ERR_COOKIE_JAR` with the jar's error as its cause; the reason of `signal`.
 */
export async function cookiesFor(jar: CookieJar, url: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  const readCookies = async (): Promise<string> => jar.getCookieString(url)
  return (await unlessAborted(readCookies(), signal, 'the cookie jar failed to return cookies', 'no')) || undefined
}

/** Stores the cookies of a response. @throws as {@link cookiesFor}. */
export async function keepCookies(jar: CookieJar, url: string, headers: Fields, signal: AbortSignal | undefined): Promise<void> {
  const cookies = headers.getAll('set-cookie')
  if (cookies.length === 0) return
  const storeCookies = async (): Promise<void> => {
    for (const cookie of cookies) await jar.setCookie(cookie, url, { ignoreError: true })
  }
  await unlessAborted(storeCookies(), signal, 'the cookie jar failed to store cookies', 'yes')
}

/** Waits for the jar unless aborted: its store may be remote. */
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
