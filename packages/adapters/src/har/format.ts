/** The members of HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/) that a recording has. */

/** A name and a value, in the order in which they were sent. */
export interface HarPair {
  readonly name: string
  readonly value: string
}

export interface HarCookie extends HarPair {
  readonly path?: string
  readonly domain?: string
  readonly expires?: string
  readonly httpOnly?: boolean
  readonly secure?: boolean
}

export interface HarPostData {
  readonly mimeType: string
  readonly text: string
  /** `base64` for content that is not UTF-8. Not in HAR 1.2. */
  readonly _encoding?: 'base64'
}

export interface HarRequest {
  readonly method: string
  readonly url: string
  readonly httpVersion: string
  readonly cookies: readonly HarCookie[]
  readonly headers: readonly HarPair[]
  readonly queryString: readonly HarPair[]
  readonly postData?: HarPostData
  readonly headersSize: -1
  /** -1 if unknown. */
  readonly bodySize: number
}

export interface HarContent {
  readonly size: number
  readonly compression?: number
  readonly mimeType: string
  readonly text?: string
  readonly encoding?: 'base64'
  readonly comment?: string
}

export interface HarResponse {
  /** 0 without a response. */
  readonly status: number
  readonly statusText: string
  readonly httpVersion: string
  readonly cookies: readonly HarCookie[]
  readonly headers: readonly HarPair[]
  readonly content: HarContent
  readonly redirectURL: string
  readonly headersSize: -1
  readonly bodySize: number
  /** Bytes of content that were received: without it Chrome adds `headersSize` and `bodySize`. */
  readonly _transferSize: number
}

/** In milliseconds; -1 if a phase does not apply. `connect` includes `ssl`. */
export interface HarTimings {
  readonly blocked: number
  readonly dns: number
  readonly connect: number
  readonly ssl: number
  readonly send: number
  readonly wait: number
  readonly receive: number
}

/** One attempt of a request. Members that begin with `_` are not in HAR 1.2. */
export interface HarEntry {
  readonly startedDateTime: string
  /** Sum of the timings, without `ssl`, in milliseconds. */
  readonly time: number
  readonly request: HarRequest
  readonly response: HarResponse
  readonly cache: Readonly<Record<string, never>>
  readonly timings: HarTimings
  readonly serverIPAddress?: string
  /** The id of the connection. */
  readonly connection?: string
  /** The same, where Chrome reads it. */
  readonly _connectionId?: string
  /** The kind of request by which Chrome filters. */
  readonly _resourceType: 'fetch'
  readonly _protocol?: 'h2' | 'http/1.1'
  readonly _coalesced?: boolean
  readonly _because?: string
  /** The field `priority` of the request (RFC 9218). */
  readonly _priority?: string
  /** Code and message of the failure. */
  readonly _error?: string
  /** Whether the client sent the request again by itself, in a later entry. */
  readonly _replayed?: true
}
