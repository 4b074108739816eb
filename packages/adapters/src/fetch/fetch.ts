/**
 * `fetch` over a client: the main loop of the Fetch standard's HTTP fetch, as far as it applies
 * outside a browser.
 */

import { type Client, ConnectError, Fields, type HttpResponse, ResponseError, UnshardError, UsageError } from '@unshard/core'
import { abortReason, becomesGet, isRedirect, traitsOf } from '@unshard/core/internal'
import { type Answer, LocalAnswer } from './answer.js'
import { type CookieJar, cookiesFor, keepCookies, takesCookies } from './cookies.js'
import { parseCodings } from './decode.js'
import { type FetchDefaults, type ResolvedDefaults, resolveDefaults } from './defaults.js'
import { networkError, rethrow, toFetchError } from './errors.js'
import { NO_EXTENSIONS, NO_EXTRAS } from './extensions.js'
import type { FetchInit } from './init.js'
import { matchesIntegrity, parseIntegrity } from './integrity.js'
import { fetchLocal } from './local.js'
import { withUploadProgress } from './progress.js'
import { followRedirect, redirectError, targetOf } from './redirect.js'
import { type FetchRequest, fieldsToSend, toFetchRequest } from './request.js'
import { firstValue, type Pair } from './request-headers.js'
import { FetchTimes } from './resource-timing.js'
import { type FetchResponse, LazyResponse, mayHaveBody } from './response.js'
import { type ContentOptions, ResponseContent } from './response-content.js'

/**
 * Signature of the built-in `fetch`, plus `init.unshard` and additional members of the response.
 */
export type FetchFunction = (input: string | URL | Request, init?: FetchInit | RequestInit) => Promise<FetchResponse>

/** Return type of `createFetch`. */
export interface Fetch extends FetchFunction {
  /**
   * Creates a `fetch` over the same client with these defaults merged over the current ones.
   * @throws UsageError for an unknown name or an invalid value.
   */
  with(defaults: FetchDefaults): Fetch
  /** The client that sends the requests: its statistics, pools and `close()`. Created when it is first read, or with the first request. */
  readonly client: Client
}

/**
 * Creates a `fetch` that sends its requests through `client`.
 * @throws UsageError if `client` is not a client, and for an unknown or invalid default.
 */
export function createFetch(client: Client, defaults: FetchDefaults = {}): Fetch {
  const resolved = resolveDefaults(defaults)
  if (typeof (client as Partial<Client> | undefined)?.request !== 'function') {
    throw new UsageError('ERR_INVALID_OPTION', 'createFetch requires a client: pass the result of createClient()')
  }
  return makeFetch(() => client, resolved)
}

/**
 * @param clientOf called for each request, so that the client can be created with the first one.
 */
export function makeFetch(clientOf: () => Client, defaults: ResolvedDefaults): Fetch {
  const fetch: FetchFunction = (input, init) => {
    try {
      const request = toFetchRequest(input, init as FetchInit | undefined, defaults)
      if (defaults.resourceTiming === true) request.times = new FetchTimes(request.url)
      if (defaults.registeredStatusText === true) request.registeredStatusText = true
      return start(clientOf(), request)
    } catch (error) {
      return Promise.reject(toFetchError(error))
    }
  }
  const ownClient = (): Client => defaults.extensions.client ?? clientOf()
  const made = Object.assign(fetch, { with: (added: FetchDefaults) => makeFetch(clientOf, resolveDefaults(added, defaults)) })
  Object.defineProperty(made, 'client', { get: ownClient, enumerable: false })
  behind.set(made, { clientOf: ownClient, defaults })
  return made as Fetch
}

const behind = new WeakMap<FetchFunction, { clientOf(): Client; readonly defaults: ResolvedDefaults }>()

/** Returns the client of one of our `fetch` functions; `undefined` for a foreign one. */
export function clientBehind(fetch: FetchFunction): Client | undefined {
  return behind.get(fetch)?.clientOf()
}

/** Whether the defaults of one of our `fetch` functions must not be bypassed: an address policy or interceptors. */
export function isRestricted(fetch: FetchFunction): boolean {
  const { addressPolicy, interceptors } = behind.get(fetch)?.defaults.extensions ?? NO_EXTENSIONS
  return addressPolicy !== undefined || interceptors !== undefined
}

/** Whether one of our `fetch` functions leaves it open whether it adds entries to the performance timeline. */
export function mayReportTimes(fetch: FetchFunction): boolean {
  const made = behind.get(fetch)
  return made !== undefined && made.defaults.resourceTiming === undefined
}

/** Fetch standard §5.6: an aborted signal rejects at once and cancels the body. */
function start(client: Client, request: FetchRequest): Promise<FetchResponse> {
  const { signal } = request.options
  if (signal?.aborted === true) return refuseAborted(request, abortReason(signal))
  if (request.pendingBody !== undefined)
    return readBody(request)
      .then(() => route(client, request))
      .catch(rethrow)
  return route(client, request)
}

function refuseAborted(request: FetchRequest, reason: unknown): Promise<never> {
  request.body?.cancel(reason)
  // The stream is locked by us and can only be cancelled through its reader.
  request.pendingBody?.().then(
    (body) => body.cancel(reason),
    () => undefined,
  )
  return Promise.reject(reason)
}

async function readBody(request: FetchRequest): Promise<void> {
  const body = await request.pendingBody!().catch(rethrow)
  const { onUploadProgress } = request
  request.body = onUploadProgress === undefined ? body : withUploadProgress(body, onUploadProgress)
}

/**
 * A user-supplied URL must not reach Unix sockets of this machine unless the client was created for
 * that.
 */
function isUnixSocket(url: string, client: Client): boolean {
  return (url.startsWith('http+unix:') || url.startsWith('https+unix:')) && traitsOf(client).unixSockets
}

/**
 * Dispatches by scheme (Fetch standard §4.2). @throws UsageError `ERR_UNSUPPORTED_SCHEME` and
 * others of {@link fetchLocal}.
 */
function route(client: Client, request: FetchRequest): Promise<FetchResponse> {
  const { url } = request
  const sender = request.client ?? client
  if (url.startsWith('http://') || url.startsWith('https://') || isUnixSocket(url, sender)) return send(sender, request, 0)
  const answer = fetchLocal(new URL(url), request.method, firstValue(request.fields, 'range'))
  return Promise.resolve(toResponse(request, answer, false))
}

/**
 * A user-supplied `cookie` header replaces the jar's cookies; cookies of the response are stored
 * anyway.
 */
function send(client: Client, request: FetchRequest, redirects: number): Promise<FetchResponse> {
  const { cookies, credentials, page, url, options } = request
  const headers = fieldsToSend(request)
  if (cookies === undefined || !takesCookies(credentials, page, url)) return ask(client, request, headers, redirects, undefined)
  if (firstValue(headers, 'cookie') !== undefined) return ask(client, request, headers, redirects, cookies)
  return cookiesFor(cookies, url, options.signal).then(
    (cookie) => ask(client, request, cookie === undefined ? headers : [...headers, ['cookie', cookie]], redirects, cookies),
    (error) => failed(request, error),
  )
}

/** @param jar stores the cookies of the response. */
function ask(
  client: Client,
  request: FetchRequest,
  headers: Fields | Pair[],
  redirects: number,
  jar: CookieJar | undefined,
): Promise<FetchResponse> {
  const { url, method, body, options, extras, totalSince, times } = request
  if (redirects > 0) times?.redirected()
  const hop = totalSince === undefined ? extras : { ...extras, totalSince }
  const plain = { url, method, headers, body: body?.open(), signal: options.signal, trimFieldValues: true }
  return client.request(hop === NO_EXTRAS ? plain : { ...plain, ...hop }).then(
    (response) =>
      jar === undefined ? answered(client, request, response, redirects) : kept(client, request, response, redirects, jar),
    (error) => failed(request, error),
  )
}

/** Store cookies before following a redirect: the next hop may need them. */
async function kept(
  client: Client,
  request: FetchRequest,
  response: HttpResponse,
  redirects: number,
  jar: CookieJar,
): Promise<FetchResponse> {
  try {
    await keepCookies(jar, request.url, response.headers, request.options.signal)
  } catch (error) {
    response.discard(error)
    throw error
  }
  return answered(client, request, response, redirects)
}

/**
 * Fetch standard §4.1, "abort": cancels a stream body that has not been read yet. So does every
 * other failure, because a file waiting to be read is open. If the call itself is invalid, the body
 * stays untouched.
 */
function failed({ body }: FetchRequest, error: unknown): never {
  if (!(error instanceof UsageError)) body?.cancel(error)
  throw toFetchError(error)
}

/** Returns the response, or follows its redirect. */
function answered(
  client: Client,
  request: FetchRequest,
  response: HttpResponse,
  redirects: number,
): FetchResponse | Promise<FetchResponse> {
  if (!isRedirect(response.status)) {
    if (response.status === PROXY_AUTHENTICATION_REQUIRED) throw refusedByServer(request, response)
    return toResponse(request, response, redirects > 0)
  }
  if (request.redirect === 'manual') return notFollowed(request, response, redirects > 0)
  if (request.redirect === 'error') {
    response.discard()
    throw networkError(
      redirectError('ERR_REDIRECT_REFUSED', request, "the response is a redirect, and redirect: 'error' was set"),
    )
  }
  const target = checkedTarget(request, response)
  if (target === undefined) return toResponse(request, response, redirects > 0)
  const { maxRedirects, onRedirect } = request
  if (redirects >= maxRedirects) {
    response.discard()
    throw networkError(redirectError('ERR_TOO_MANY_REDIRECTS', request, `more than ${maxRedirects} redirects`))
  }
  if (onRedirect !== undefined) return followIfWanted(client, request, response, target, redirects, onRedirect)
  response.discard()
  follow(request, response, target)
  return send(client, request, redirects + 1)
}

/** Calls `onRedirect`, which may refuse the redirect: then it is the response. */
async function followIfWanted(
  client: Client,
  request: FetchRequest,
  response: HttpResponse,
  target: URL,
  redirects: number,
  onRedirect: NonNullable<FetchRequest['onRedirect']>,
): Promise<FetchResponse> {
  const { status } = response
  const method = becomesGet(status, request.method) ? 'GET' : request.method
  try {
    const wanted = await onRedirect({ status, from: request.url, to: target.href, method, headers: response.headers })
    if (wanted === false) return toResponse(request, response, redirects > 0)
  } catch (error) {
    response.discard(error)
    throw error
  }
  response.discard()
  follow(request, response, target)
  return send(client, request, redirects + 1)
}

/** RFC 9110 §15.5.8. */
const PROXY_AUTHENTICATION_REQUIRED = 407

/**
 * Fetch standard §4.5 step 14: without a window that could ask for credentials, a 407 is a network
 * error.
 */
function refusedByServer(request: FetchRequest, response: HttpResponse): TypeError {
  response.discard()
  const { protocol, origin } = new URL(request.url)
  const { proxy } = response.connection
  const code = 'ERR_PROXY_AUTHENTICATION'
  // The proxy forwards requests for http: origins and answers them itself (RFC 9110 §15.5.8); for
  // https: it answers CONNECT.
  if (proxy !== undefined && protocol === 'http:') {
    const message = `proxy ${proxy} answered 407: credentials are missing or wrong`
    return networkError(new ConnectError('proxy', message, { code, status: response.status, origin, processed: 'unknown' }))
  }
  const message = 'unexpected status 407 (Proxy Authentication Required): fetch cannot prompt for credentials'
  return networkError(new ResponseError(code, message, { origin }))
}

/**
 * Returns the redirect itself for server-side programs; a page's program does not learn its target
 * (Fetch standard §2.2.6).
 */
function notFollowed(request: FetchRequest, response: HttpResponse, redirected: boolean): FetchResponse | Promise<FetchResponse> {
  if (request.page === undefined) return toResponse(request, response, redirected)
  response.discard()
  const { url, options } = request
  const { connection } = response
  const head = { status: 0, statusText: '', headers: new Fields([]), trailers: undefined, connection }
  const answer = new LocalAnswer(head, new Uint8Array(0))
  return new LazyResponse({ answer, url, redirected, head: true, opaqueRedirect: true, options }) as unknown as FetchResponse
}

/**
 * A redirect with an invalid target is an error. Discard its content, which would hold its stream.
 */
function checkedTarget(request: FetchRequest, response: HttpResponse): URL | undefined {
  try {
    return targetOf(request, response)
  } catch (error) {
    response.discard(error)
    throw toFetchError(error)
  }
}

function follow(request: FetchRequest, response: HttpResponse, target: URL): void {
  try {
    followRedirect(request, response, target)
  } catch (error) {
    throw toFetchError(error)
  }
}

function toResponse(request: FetchRequest, answer: Answer, redirected: boolean): FetchResponse | Promise<FetchResponse> {
  // RFC 9110 §15.3.6: a 205 has no content. Discard any that is sent anyway: it would hold its
  // stream.
  if (answer.status === 205) answer.discard()
  const { url, method, options, integrity, times, registeredStatusText } = request
  // Local content has no connection.
  if (answer.connection !== undefined) times?.watch(answer as HttpResponse)
  const head = method === 'HEAD'
  if (answer.headers.has('content-encoding') && mayHaveBody(method, answer.status)) checkCodings(answer)
  if (integrity !== '') return verified(request, answer, redirected)
  return new LazyResponse({ answer, url, redirected, head, options, registeredStatusText }) as unknown as FetchResponse
}

/** Refuses too many codings at once rather than on the first read. */
function checkCodings(answer: Answer): void {
  try {
    parseCodings(answer.headers.get('content-encoding'))
  } catch (error) {
    answer.discard(error)
    throw toFetchError(error)
  }
}

/** Fetch standard §4.1 step 22: with integrity metadata, read the whole content first. */
async function verified(request: FetchRequest, answer: Answer, redirected: boolean): Promise<FetchResponse> {
  const { url, options, integrity, method, registeredStatusText } = request
  const origin = new URL(url).origin
  // "If response's body is null, then run processBodyError": there is no content to hash.
  if (!mayHaveBody(method, answer.status)) {
    answer.discard()
    throw networkError(new ResponseError('ERR_INTEGRITY', 'integrity is set, but the response has no body', { origin }))
  }
  const metadata = parseIntegrity(integrity)
  const bytes = await new ResponseContent(answer, options).bytes().catch(toNetworkError)
  if (!matchesIntegrity(bytes, metadata)) {
    throw networkError(new ResponseError('ERR_INTEGRITY', 'the content does not match integrity', { origin }))
  }
  const decoded: ContentOptions = { ...options, isDecoded: true, onDownloadProgress: undefined }
  const parts = { answer: new LocalAnswer(answer, bytes), url, redirected, head: false, options: decoded, registeredStatusText }
  return new LazyResponse(parts) as unknown as FetchResponse
}

/**
 * The content was read as part of the `fetch` call, so a failure is a network error rather than a
 * body error.
 */
function toNetworkError(error: unknown): never {
  const cause = error instanceof TypeError ? error.cause : undefined
  throw cause instanceof UnshardError ? networkError(cause) : error
}
