/** `fetch(input, init)` to what the client takes: method, fields, body, signal, redirect mode (Fetch standard §5.4). Nothing is sent here. */

import { type Client, Fields, type RequestOptions } from '@unshard/core'
import { extractBody, type FetchBody } from './body.js'
import { isRequest } from './brands.js'
import type { CookieJar } from './cookies.js'
import type { ResolvedDefaults } from './defaults.js'
import { toHeaders } from './headers.js'
import { checkInit, type FetchInit, normalizeMethod, toPriority } from './init.js'
import { checkTarget, isPlainHttp, parseUrl } from './location.js'
import { withUploadProgress } from './progress.js'
import { originFor, refererFor, toReferrer } from './referrer.js'
import { takeRequestBody } from './request-body.js'
import { firstValue, mergeHeaders, type Pair } from './request-headers.js'
import type { ContentOptions } from './response-content.js'

/** A request in the course of being fetched; redirects change it. */
export interface FetchRequest {
  url: string
  method: string
  /** Pairs, or the shared default list. */
  fields: Fields | Pair[]
  body: FetchBody | undefined
  referrerPolicy: string
  /** The body of a `Request` object, which is still to be looked into. */
  readonly pendingBody: (() => Promise<FetchBody>) | undefined
  /** Where there is one: what `referer` is made from. */
  readonly referrer: string | undefined
  readonly page: string | undefined
  readonly isCors: boolean
  readonly integrity: string
  readonly redirect: Request['redirect']
  readonly options: ContentOptions
  readonly extras: Pick<RequestOptions, 'timeouts' | 'isolation' | 'priority' | 'retry' | 'replay' | 'onInformational'>
  readonly client: Client | undefined
  /** Where its cookies are, if it takes any along. */
  readonly cookies: CookieJar | undefined
  readonly credentials: string
  readonly onUploadProgress: FetchInit['onUploadProgress']
}

/** Nothing beyond what every request has: shared, and asked for by identity. */
export const NO_EXTRAS: FetchRequest['extras'] = {}
const NO_INIT: FetchInit = {}

/** @throws TypeError naming what is wrong. */
export function toFetchRequest(input: unknown, init: FetchInit | undefined | null, defaults: ResolvedDefaults): FetchRequest {
  if (typeof input === 'string' && (init === undefined || init === null)) return plainGet(input, defaults)
  const request = isRequest(input) ? input : undefined
  const given = init ?? NO_INIT
  checkInit(given)
  const mode = given.mode ?? request?.mode
  const method = normalizeMethod(given.method ?? request?.method ?? 'GET', mode)
  const signal = (given.signal === undefined ? request?.signal : given.signal) ?? undefined
  const fields = headersOf(request, given, defaults)
  const url = toUrl(request === undefined ? String(input) : request.url, defaults)
  const referrer = toReferrer(given.referrer ?? request?.referrer, defaults.page)
  const extras = extrasOf(given, fields, defaults)
  // Last: where something above is wrong, the body stays the caller's.
  const { body, pendingBody } = bodyOf(request, given, method)
  // One literal, without spreading: that costs more than all the checks.
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
    integrity: String(given.integrity ?? request?.integrity ?? ''),
    redirect: given.redirect ?? request?.redirect ?? 'follow',
    options: contentOptions(signal, given, defaults),
    extras,
    client: given.client,
    cookies: defaults.cookies,
    credentials: given.credentials ?? request?.credentials ?? 'same-origin',
    onUploadProgress: given.onUploadProgress,
  }
}

function plainGet(input: string, defaults: ResolvedDefaults): FetchRequest {
  return {
    url: toUrl(input, defaults),
    method: 'GET',
    fields: mergeHeaders(undefined, defaults.headers),
    body: undefined,
    pendingBody: undefined,
    referrer: defaults.page,
    referrerPolicy: '',
    page: defaults.page,
    isCors: true,
    integrity: '',
    redirect: 'follow',
    options: defaults.maxDecodedBytes === undefined ? NO_OPTIONS : contentOptions(undefined, NO_INIT, defaults),
    extras: defaults.retry === undefined ? NO_EXTRAS : { retry: defaults.retry },
    client: undefined,
    cookies: defaults.cookies,
    credentials: 'same-origin',
    onUploadProgress: undefined,
  }
}

const NO_OPTIONS: ContentOptions = { signal: undefined, maxDecodedBytes: undefined, onDownloadProgress: undefined }

function contentOptions(signal: AbortSignal | undefined, init: FetchInit, defaults: ResolvedDefaults): ContentOptions {
  return {
    signal,
    maxDecodedBytes: init.maxDecodedBytes ?? defaults.maxDecodedBytes,
    onDownloadProgress: init.onDownloadProgress,
  }
}

/** An absolute URL; one of `http:` or `https:` as it was written, where nothing about it is in doubt. */
function toUrl(text: string, { baseUrl }: ResolvedDefaults): string {
  if (isPlainHttp(text)) return text
  const url = parseUrl(text, baseUrl)
  checkTarget(url)
  return url.href
}

/** Headers, and those that a cache mode stands for (Fetch standard §4.5 steps 8.16 to 8.18). */
function headersOf(request: Request | undefined, init: FetchInit, defaults: ResolvedDefaults): Fields | Pair[] {
  const fields = mergeHeaders(init.headers ?? request?.headers, defaults.headers)
  const cache = init.cache ?? request?.cache ?? 'default'
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

type Extras = { -readonly [Name in keyof FetchRequest['extras']]: FetchRequest['extras'][Name] }

/** What few requests say beyond the standard. Written member by member: that costs least for those who say nothing. */
function extrasOf(init: FetchInit, fields: Fields | Pair[], defaults: ResolvedDefaults): FetchRequest['extras'] {
  const { timeouts, isolation, replay, onInformational, retry = defaults.retry } = init
  // A field of the caller's goes before what it is made from.
  const priority = firstValue(fields, 'priority') === undefined ? toPriority(init) : undefined
  const extras: Extras = {}
  if (timeouts !== undefined) extras.timeouts = timeouts
  if (isolation !== undefined) extras.isolation = isolation
  if (priority !== undefined) extras.priority = priority
  if (retry !== undefined) extras.retry = retry
  if (replay !== undefined) extras.replay = replay
  if (onInformational !== undefined) {
    extras.onInformational = (status, list) => onInformational(status, toHeaders(new Fields(list)))
  }
  for (const _name in extras) return extras
  return NO_EXTRAS
}

type Bodies = Pick<FetchRequest, 'body' | 'pendingBody'>
const NO_BODY: Bodies = { body: undefined, pendingBody: undefined }

function bodyOf(request: Request | undefined, init: FetchInit, method: string): Bodies {
  const own = init.body !== undefined && init.body !== null
  // Fetch standard §5.4: "inputOrInitBody be initBody if it is non-null; otherwise inputBody".
  const inherited = !own && request !== undefined && request.body !== null
  if (!own && !inherited) return NO_BODY
  if (method === 'GET' || method === 'HEAD') throw new TypeError(`a ${method} request cannot have a body`)
  if (inherited) return { body: undefined, pendingBody: takeRequestBody(request) }
  const body = extractBody(init.body, init.duplex)
  const report = init.onUploadProgress
  return { body: report === undefined ? body : withUploadProgress(body, report), pendingBody: undefined }
}

/** The fields of the next attempt: what its body, its target and its referrer add to the caller's. */
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
  if (page !== undefined && request.method !== 'GET' && request.method !== 'HEAD') {
    add('origin', originFor(page, request.referrerPolicy, request.url, request.isCors))
  }
  return pairs
}
