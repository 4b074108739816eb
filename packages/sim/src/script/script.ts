/**
 * A world as plain data: what is drawn from a seed, printed, shrunk, and run. Times are milliseconds
 * since the beginning.
 */

/** One request of a caller. */
export interface RequestScript {
  readonly id: number
  readonly at: number
  readonly origin: string
  readonly method: 'GET' | 'POST'
  /** Sends `idempotency-key`. */
  readonly keyed?: boolean
  /** Time until the server answers. */
  readonly thinkMs: number
  /** Bytes of each part of the response. */
  readonly bytes: number
  /** Parts of the response, and the time between two of them. Default 1. */
  readonly parts?: number
  readonly everyMs?: number
  readonly upload?: UploadScript
  /** The caller aborts after this time. */
  readonly abortAfterMs?: number
  readonly totalMs?: number
  readonly headersMs?: number
  readonly isolation?: string
  /** How the caller reads the body. Default `all`. */
  readonly reader?: 'all' | 'slow' | 'never' | 'cancels'
  /** How the server dies of this request. */
  readonly poison?: 'reset' | 'goaway' | 'close'
  readonly retry?: boolean
  /** The server announces more bytes than it sends. */
  readonly lies?: boolean
}

export interface UploadScript {
  readonly bytes: number
  readonly kind: 'buffered' | 'streamed'
  /** Time between two parts of a stream. */
  readonly everyMs?: number
}

/** A server process behind an address. */
export interface ServerScript {
  readonly model: string
  /** Hosts that it has; all by default. */
  readonly hosts?: readonly string[]
  /** Names of its certificate. */
  readonly certificate: readonly string[]
  readonly untrusted?: boolean
  /** Origin Set that it sends. */
  readonly originSet?: readonly string[]
  /** Bytes of one read of its application, where credit is given with each. */
  readonly readBytes?: number
  /** Something that is wrong with it all the time. */
  readonly ill?: Illness
}

export type Illness =
  /** Accepts TCP, and says nothing. */
  | 'silent'
  /** The handshake ends with an alert. */
  | 'alert'
  /** SETTINGS come seconds late. */
  | 'late-settings'
  /** Everything takes a second longer. */
  | 'slow'
  /** Refuses every other stream. */
  | 'refuses'
  /** Is silent after the handshake. */
  | 'mute'
  /** Closes each connection after the handshake. */
  | 'closes'
  /** Sends SETTINGS and GOAWAY, and closes. */
  | 'goaway'
  /** Answers the handshake in plain text. */
  | 'plain'
  /** Has the certificate of another name. */
  | 'misnamed'

export interface MachineScript {
  readonly address: string
  readonly latencyMs: number
  readonly jitterMs?: number
  readonly loss?: number
  readonly bandwidth?: number
  readonly sliceBytes?: number
  readonly nat?: { readonly forgetAfterMs: number; readonly mode: 'drop' | 'reset' }
  /** Connections go to them in turn. */
  readonly servers: readonly ServerScript[]
}

export interface NameScript {
  readonly name: string
  readonly addresses: readonly string[]
  readonly ttl?: number
  readonly rotates?: boolean
}

/** Something that goes wrong from `at` to `until`. */
export interface FaultScript {
  readonly kind: FaultKind
  readonly at: number
  readonly until: number
  /** Address of the machine, or name, if the kind concerns one. */
  readonly where?: string
  /** The machine wakes up in another network: no packet of an older connection passes. */
  readonly roams?: boolean
  /** New addresses of a name; the time that a clock is moved. */
  readonly addresses?: readonly string[]
  readonly ms?: number
}

export type FaultKind =
  | 'black-hole'
  | 'black-hole-to-client'
  | 'black-hole-to-server'
  | 'reset-flows'
  | 'half-close'
  | 'refuse'
  | 'ignore-syn'
  | 'freeze'
  | 'hang'
  | 'kill'
  | 'deploy'
  | 'dns-fails'
  | 'dns-silent'
  | 'dns-slow'
  | 'dns-missing'
  | 'dns-moves'
  | 'suspend'
  | 'stall'
  | 'clock-step'

export interface ClientScript {
  readonly coalescing: boolean
  /** Option of `coalescing()`. */
  readonly suspectStatuses?: readonly number[]
  /** Further options of the client. */
  readonly options: Readonly<Record<string, unknown>>
  /** When it is closed, and another one made. */
  readonly renewedAt?: number
}

export interface WorldScript {
  readonly seed: number
  readonly world: string
  /** After this, nothing goes wrong any more. */
  readonly endMs: number
  readonly client: ClientScript
  /** Whether TLS is Node's own. Modelled by default. */
  readonly tls?: 'real'
  readonly proxy?: { readonly kind: 'http' | 'socks5'; readonly address: string }
  readonly machines: readonly MachineScript[]
  readonly names: readonly NameScript[]
  readonly requests: readonly RequestScript[]
  readonly faults: readonly FaultScript[]
}

/** Time that a request needs if nothing goes wrong, roughly. */
export function neededMs({ thinkMs, parts = 1, everyMs = 0, upload, bytes, reader }: RequestScript): number {
  const uploadMs = ((upload?.bytes ?? 0) / 16_000) * (upload?.everyMs ?? 0)
  const readMs = reader === 'slow' ? (bytes / 16_000) * 250 : 0
  return thinkMs + (parts - 1) * everyMs + uploadMs + readMs + ((upload?.bytes ?? 0) + bytes * parts) / 50
}
