/**
 * Converts `fetch(input, init)` into a client request: method, fields, body, signal, redirect mode
 * (Fetch standard §5.4). Sends nothing.
 */

import { type Client, type Fields, UsageError } from '@unshard/core'
import { MAX_REDIRECTS } from '@unshard/core/internal'
import { extractBody, type FetchBody } from './body.js'
import { isRequest } from './brands.js'
import type { CookieJar } from './cookies.js'
import type { ResolvedDefaults } from './defaults.js'
import { extensionsOf, type FetchExtensions, NO_EXTENSIONS, type RequestExtras, toExtras } from './extensions.js'
import { checkInit, type FetchInit, normalizeMethod, toPriority } from './init.js'
import { checkSameOrigin, checkTarget, isOfOrigin, isPlainHttp, parseUrl } from './location.js'
import { clientOfDispatcher, dispatcherOf } from './other-dispatchers.js'
import { withUploadProgress } from './progress.js'
import { originFor, refererFor, toReferrer } from './referrer.js'
import { takeRequestBody } from './request-body.js'
import { DEFAULT_FIELDS, firstValue, isConditional, mergeHeaders, type Pair } from './request-headers.js'
import type { FetchTimes } from './resource-timing.js'
import type { ContentOptions } from './response-content.js'

/** A request while it is being fetched; redirects change it. */
export interface FetchRequest {
  url: string
  /** After a redirect: start of the first request, for `timeouts.total`. */
  totalSince?: number
  /** Its times; `undefined` unless they are added to the performance timeline. */
  times?: FetchTimes
  /** `statusText` over HTTP/2 is the registered phrase. */
  registeredStatusText?: boolean
  method: string
  /** Pairs, or the shared default list. */
  fields: Fields | Pair[]
  body: FetchBody | undefined
  referrerPolicy: string
  /** Body of a `Request` object that has not been inspected yet. */
  readonly pendingBody: (() => Promise<FetchBody>) | undefined
  /** Source of `referer`, if any. */
  readonly referrer: string | undefined
  readonly page: string | undefined
  readonly isCors: boolean
  /** With a `page`: whether a CORS hop led to another origin. Never reset. */
  isAcrossOrigins: boolean
  /**
   * With a `page`: whether a redirect led from a foreign origin to another one (Fetch standard
   * §2.2.5, "redirect-taint").
   */
  isTainted: boolean
  readonly integrity: string
  readonly redirect: Request['redirect']
  readonly options: ContentOptions
  readonly extras: RequestExtras
  /** Maximum number of redirects that are followed. */
  readonly maxRedirects: number
  readonly onRedirect: FetchExtensions['onRedirect']
  readonly client: Client | undefined
  /** Jar for cookies, if the request uses cookies. */
  readonly cookies: CookieJar | undefined
  readonly credentials: string
  readonly onUploadProgress: FetchExtensions['onUploadProgress']
  /** Default headers for one origin only: dropped when a redirect leaves that origin. */
  readonly originHeaders: readonly Pair[]
}

const NO_INIT: FetchInit = {}

/** @throws UsageError naming the invalid part. */
export function toFetchRequest(input: unknown, init: FetchInit | undefined | null, defaults: ResolvedDefaults): FetchRequest {
  if (typeof input === 'string' && (init === undefined || init === null)) return plainGet(input, defaults)
  const dispatcher = dispatcherOf(input, init)
  const request = isRequest(input) ? input : undefined
  const given = init ?? NO_INIT
  checkInit(given)
  const extensions = extensionsOf(given, defaults.extensions)
  const mode = given.mode ?? request?.mode
  const method = normalizeMethod(given.method ?? request?.method ?? 'GET', mode)
  const signal = (given.signal === undefined ? signalOf(request) : given.signal) ?? undefined
  const url = toUrl(request === undefined ? String(input) : request.url, defaults)
  const added = defaultHeaders(url, defaults)
  const fields = headersOf(request, given, added)
  const referrer = toReferrer(given.referrer ?? request?.referrer, defaults.page)
  // A user-supplied field overrides the option it would be made from.
  const priority = firstValue(fields, 'priority') === undefined ? toPriority(given, extensions) : undefined
  // Last: if anything above is invalid, the body stays untouched.
  const { body, pendingBody } = bodyOf(request, given, method, extensions)
  // One literal without spreads: a spread would cost more than all the checks.
  return {
    url,
    method,
    fields,
    body,
    pendingBody,
    referrer,
    referrerPolicy: String(given.referrerPolicy ?? request?.referrerPolicy ?? ''),
    page: defaults.page,
    isCors: mode === undefined || mode === 'cors',
    isAcrossOrigins: false,
    isTainted: false,
    integrity: String(given.integrity ?? request?.integrity ?? ''),
    redirect: given.redirect ?? request?.redirect ?? 'follow',
    options: contentOptions(signal, extensions),
    extras: toExtras(extensions, priority),
    maxRedirects: extensions.maxRedirects ?? MAX_REDIRECTS,
    onRedirect: extensions.onRedirect,
    client: dispatcher === undefined ? extensions.client : clientOfDispatcher(dispatcher),
    cookies: defaults.cookies,
    credentials: given.credentials ?? request?.credentials ?? 'same-origin',
    onUploadProgress: extensions.onUploadProgress,
    originHeaders: defaults.headersOrigin === undefined ? NO_PAIRS : added,
  }
}

function plainGet(input: string, defaults: ResolvedDefaults): FetchRequest {
  const { extensions } = defaults
  const url = toUrl(input, defaults)
  const added = defaultHeaders(url, defaults)
  return {
    url,
    method: 'GET',
    fields: added.length === 0 ? DEFAULT_FIELDS : withCacheFields(mergeHeaders(undefined, added), 'default'),
    body: undefined,
    pendingBody: undefined,
    referrer: defaults.page,
    referrerPolicy: '',
    page: defaults.page,
    isCors: true,
    isAcrossOrigins: false,
    isTainted: false,
    integrity: '',
    redirect: 'follow',
    options: contentOptions(undefined, extensions),
    extras: toExtras(extensions, extensions.httpPriority),
    maxRedirects: extensions.maxRedirects ?? MAX_REDIRECTS,
    onRedirect: extensions.onRedirect,
    client: extensions.client,
    cookies: defaults.cookies,
    credentials: 'same-origin',
    onUploadProgress: undefined,
    originHeaders: defaults.headersOrigin === undefined ? NO_PAIRS : added,
  }
}

const NO_PAIRS: readonly Pair[] = []

/** Returns the default headers for a request to `url`. */
function defaultHeaders(url: string, { headers, headersOrigin }: ResolvedDefaults): readonly Pair[] {
  return headersOrigin === undefined || headers.length === 0 || isOfOrigin(url, headersOrigin) ? headers : NO_PAIRS
}

const NO_OPTIONS: ContentOptions = { signal: undefined, maxDecodedBytes: undefined, onDownloadProgress: undefined }

function contentOptions(signal: AbortSignal | undefined, extensions: FetchExtensions): ContentOptions {
  if (signal === undefined && extensions === NO_EXTENSIONS) return NO_OPTIONS
  return { signal, maxDecodedBytes: extensions.maxDecodedBytes, onDownloadProgress: extensions.onDownloadProgress }
}

/**
 * Returns an absolute URL; an `http:` or `https:` URL is returned as written if it needs no
 * normalization.
 */
function toUrl(text: string, { baseUrl, page }: ResolvedDefaults): string {
  if (isPlainHttp(text)) return text
  const url = parseUrl(text, baseUrl ?? page)
  if (baseUrl !== undefined) checkSameOrigin(url, text, baseUrl)
  checkTarget(url)
  return url.href
}

/**
 * The signal of a `Request` follows the signal it was made with only while the `Request` is alive.
 * This map keeps the `Request` alive as long as its signal, which the pending request and its
 * response hold.
 */
const requestsBySignal = new WeakMap<AbortSignal, Request>()

function signalOf(request: Request | undefined): AbortSignal | undefined {
  const signal = request?.signal ?? undefined
  if (signal !== undefined) requestsBySignal.set(signal, request!)
  return signal
}

/**
 * Returns the headers, including those that a cache mode implies (Fetch standard §4.5 steps 8.16 to
 * 8.18).
 */
function headersOf(request: Request | undefined, init: FetchInit, defaults: readonly Pair[]): Fields | Pair[] {
  return withCacheFields(mergeHeaders(init.headers ?? request?.headers, defaults), init.cache ?? request?.cache ?? 'default')
}

function withCacheFields(fields: Fields | Pair[], given: string): Fields | Pair[] {
  // Step 8.16: a cache must not answer a conditional request in the server's place.
  const cache = given === 'default' && Array.isArray(fields) && isConditional(fields) ? 'no-store' : given
  if (cache !== 'no-store' && cache !== 'reload' && cache !== 'no-cache') return fields
  const pairs: Pair[] = [...fields]
  const add = (name: string, value: string): void => {
    if (firstValue(pairs, name) === undefined) pairs.push([name, value])
  }
  if (cache === 'no-cache') add('cache-control', 'max-age=0')
  else {
    add('pragma', 'no-cache')
    add('cache-control', 'no-cache')
  }
  return pairs
}

type Bodies = Pick<FetchRequest, 'body' | 'pendingBody'>
const NO_BODY: Bodies = { body: undefined, pendingBody: undefined }

function bodyOf(request: Request | undefined, init: FetchInit, method: string, { onUploadProgress }: FetchExtensions): Bodies {
  const own = init.body !== undefined && init.body !== null
  // Fetch standard §5.4: "inputOrInitBody be initBody if it is non-null; otherwise inputBody".
  const inherited = !own && request !== undefined && request.body !== null
  if (!own && !inherited) return NO_BODY
  if (method === 'GET' || method === 'HEAD') throw new UsageError('ERR_INVALID_BODY', `a ${method} request cannot have a body`)
  if (inherited) return { body: undefined, pendingBody: takeRequestBody(request) }
  const body = extractBody(init.body, init.duplex)
  return { body: onUploadProgress === undefined ? body : withUploadProgress(body, onUploadProgress), pendingBody: undefined }
}

/**
 * Returns the fields of the next attempt: user-supplied fields plus those for body, target and
 * referrer.
 */
export function fieldsToSend(request: FetchRequest): Fields | Pair[] {
  const { body, fields, referrer, page } = request
  if (body?.type === undefined && body?.length === undefined && referrer === undefined && page === undefined) return fields
  const pairs: Pair[] = [...fields]
  const add = (name: string, value: string | undefined): void => {
    if (value !== undefined && firstValue(fields, name) === undefined) pairs.push([name, value])
  }
  add('content-type', body?.type)
  add('content-length', body?.length === undefined ? undefined : String(body.length))
  add('referer', refererFor(referrer, request.referrerPolicy, request.url))
  if (page !== undefined) add('origin', originOf(request, page))
  return pairs
}

/**
 * Fetch standard §3.2, "append a request `Origin` header": for every cross-origin request under
 * CORS, and for others whose method may change something.
 */
function originOf(request: FetchRequest, page: string): string | undefined {
  const { isCors, method, url } = request
  request.isAcrossOrigins ||= isCors && new URL(url).origin !== new URL(page).origin
  if (!request.isAcrossOrigins && (method === 'GET' || method === 'HEAD')) return undefined
  // "serialize a request origin": a redirect from one foreign origin to another hides the original
  // origin.
  return request.isTainted ? 'null' : originFor(page, request.referrerPolicy, url, isCors)
}
