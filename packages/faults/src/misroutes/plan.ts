/** The world of the misroutes: hosts, certificates, clients, tags. Data, and which certificate a server shows; no rule of reuse is here. */

/** The same port at each. */
export const ADDRESSES: readonly string[] = Array.from({ length: 8 }, (_, i) => `127.0.0.${i + 1}`)

const numbered = (count: number, name: (i: number) => string): string[] => Array.from({ length: count }, (_, i) => name(i))

const ONE = numbered(12, (i) => `a${i}.one.example`)
const TWO = numbered(12, (i) => `b${i}.two.example`)
/** Their parent is a public suffix. The names are only ever resolved here. */
const SHOPS = numbered(6, (i) => `shop${i}.co.uk`)
const COMMON = numbered(4, (i) => `d${i}.common.example`)
const WIDE = numbered(8, (i) => `e${i}.wide.example`)
/** Two labels below `one.example`: its wildcard is not theirs. */
const DEEP = numbered(4, (i) => `x${i}.deep.one.example`)
/** They stand behind gateways that choose the back end by the TLS handshake alone. */
const GATED = numbered(4, (i) => `g${i}.gated.example`)

/** The server at this address speaks HTTP/1.1 alone, and only these lead to it: who has met HTTP/1.1 asks for nothing else for minutes. */
export const HTTP1_ADDRESS = 7
export const HTTP1_HOSTS: ReadonlySet<string> = new Set(WIDE.slice(4))

/** By family: the hosts of one often lead to the same address. */
export const FAMILIES: readonly (readonly string[])[] = [ONE, TWO, SHOPS, COMMON, WIDE, DEEP, GATED]
export const HOSTS: readonly string[] = FAMILIES.flat()
/** They get more of the requests than the rest, most of which can share little. */
export const BUSY_HOSTS: readonly string[] = [...ONE, ...TWO]
/** What clients are told with `deny`. */
export const KEPT_APART: ReadonlySet<string> = new Set(GATED)

export interface CertificatePlan {
  readonly names: readonly string[]
  /** Without a subjectAltName: only this counts, and only for clients that still look at it. */
  readonly commonName?: string
}

export const CERTIFICATES: readonly CertificatePlan[] = [
  {
    names: ['*.one.example', 'a0.one.example', 'b0.two.example', 'b1.two.example', 'x0.deep.one.example', 'x1.deep.one.example'],
  },
  { names: [...TWO, '*.wide.example', 'a0.one.example', 'a1.one.example', 'x2.deep.one.example', 'x3.deep.one.example'] },
  { names: ['*.co.uk', 'shop0.co.uk', 'shop1.co.uk', '*.deep.one.example'] },
  { names: [], commonName: '*.common.example' },
  { names: ['*.one.example', '*.two.example', '*.wide.example', '*.gated.example', '*.deep.one.example', ...SHOPS] },
]
/** Shown to whoever names no server. */
export const DEFAULT_CERTIFICATE = 4

/** How long a resolver's answer holds, milliseconds. */
export const TTL_MS = 200

/** Most requests have none. */
export const TAGS: readonly (string | undefined)[] = [undefined, undefined, undefined, undefined, 'red', 'blue']

export interface ClientPlan {
  readonly name: string
  /** Why it may share no connection among hosts, if so. */
  readonly alone?: 'client-certificate' | 'unauthorized' | 'certificate-expired'
  /** Of all requests. */
  readonly weight: number
}

export const CLIENTS: readonly ClientPlan[] = [
  { name: 'plain', weight: 0.47 },
  { name: 'TLS 1.3 only', weight: 0.47 },
  { name: 'with a certificate of its own', alone: 'client-certificate', weight: 0.02 },
  { name: 'without verification', alone: 'unauthorized', weight: 0.02 },
  { name: 'with a clock after every certificate has expired', alone: 'certificate-expired', weight: 0.02 },
]

/** A server from one start to the next. */
export interface Life {
  readonly address: number
  /** Certificates in the order of preference: the first that a handshake's name can be answered with is shown. */
  readonly preference: readonly number[]
  /** Hosts in its ORIGIN frames, beside the one that the connection was made for; `undefined` where it sends none. */
  readonly originHosts: readonly string[] | undefined
  /** Hosts that it answers 421 for, on connections made for others. */
  readonly disowned: readonly string[]
  readonly maxStreams: number
}

/** The certificate that a server shows for that name. */
export function certificateShown({ preference }: Pick<Life, 'preference'>, serverName: string): number {
  return preference.find((number) => isShownFor(CERTIFICATES[number]!, serverName)) ?? DEFAULT_CERTIFICATE
}

/** Whether an ordinary client that makes a connection takes it for that host: a wildcard is one label, and a common name still counts. */
function isShownFor({ names, commonName }: CertificatePlan, host: string): boolean {
  const wildcard = host.replace(/^[^.]+/, '*')
  return commonName === undefined ? names.includes(host) || names.includes(wildcard) : commonName === wildcard
}
