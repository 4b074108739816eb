/** The contract between the page and the program that fills it. `bundle.mjs` writes `dist/index.js`. */

/** The program of the page, to be inlined. Reads the element `data`. */
export declare const SCRIPT: string
/** The style sheet of the page. */
export declare const STYLE: string

/** Name and value. */
export type Field = readonly [name: string, value: string]

/**
 * One attempt of a request. Text contains no control characters: they are escaped before. Times are in milliseconds.
 */
export interface PageEntry {
  /** Unique in the page. An entry with the id of an earlier one replaces it. */
  readonly id: number
  /** In flight: the duration is unknown. */
  readonly isPending: boolean
  /** Time since 1970-01-01. */
  readonly startMs: number
  /** `blocked`, `dns`, `connect` (without TLS), `tls`, `send`, `wait`, `receive`; -1 if a phase did not apply. */
  readonly phases: readonly number[]
  readonly durationMs: number
  readonly method: string
  readonly url: string
  /** Host and port, as the URL has them. */
  readonly host: string
  /** With the query. */
  readonly path: string
  /** 0 without a response. */
  readonly status: number
  readonly statusText: string
  /** Such as `h2`; empty if unknown. */
  readonly protocol: string
  /** Id of the connection; empty if unknown. */
  readonly connection: string
  /** Address of the server; empty if unknown. */
  readonly address: string
  /** Content received, in bytes; -1 if unknown. */
  readonly receivedBytes: number
  /** Content sent, in bytes; -1 if unknown. */
  readonly sentBytes: number
  readonly contentType: string
  /** Reason why this connection served the request; empty if unknown. */
  readonly because: string
  /** Whether the connection was opened for another origin. */
  readonly isCoalesced: boolean
  /** Whether the client sent the request again by itself, in a later entry. */
  readonly isReplayed: boolean
  readonly priority: string
  readonly error: string
  readonly requestFields: readonly Field[]
  readonly responseFields: readonly Field[]
}

/** Data of a page, in the element `data`. */
export interface PageData {
  readonly title: string
  /** Program that recorded the entries. */
  readonly creator: string
  readonly entries: readonly PageEntry[]
  /** Reports that concern the recording, such as omitted entries. */
  readonly notes: readonly string[]
  /** Address of the events, relative to the page; absent for a recording. */
  readonly events?: string
  /** Maximum number of entries of a live page. */
  readonly maxEntries?: number
}

/** An event `entries` of a live page. */
export interface LiveUpdate {
  /** Whether the page is to forget its entries first. */
  readonly isSnapshot: boolean
  /** New and changed entries, oldest first. */
  readonly entries: readonly PageEntry[]
  /** Ids of entries that the server has dropped. */
  readonly dropped: readonly number[]
  /** Number of entries dropped since the server started. */
  readonly droppedTotal: number
}
