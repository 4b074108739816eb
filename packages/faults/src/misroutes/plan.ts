/**
 * The environment of the misroutes test: hosts, certificates, clients, isolation. Only data, and
 * the choice of the server certificate; no rules of reuse.
 */

/** All use the same port. */
export const ADDRESSES: readonly string[] = Array.from({ length: 8 }, (_, i) => `127.0.0.${i + 1}`)

const numbered = (count: number, name: (i: number) => string): string[] => Array.from({ length: count }, (_, i) => name(i))

const ONE = numbered(12, (i) => `a${i}.one.example`)
const TWO = numbered(12, (i) => `b${i}.two.example`)
/** Their parent is a public suffix. The names are only resolved here. */
const SHOPS = numbered(6, (i) => `shop${i}.co.uk`)
const COMMON = numbered(4, (i) => `d${i}.common.example`)
const WIDE = numbered(8, (i) => `e${i}.wide.example`)
/** Two labels below `one.example`: its wildcard does not cover them. */
const DEEP = numbered(4, (i) => `x${i}.deep.one.example`)
/** Behind gateways that select the back end by the TLS handshake only. */
const GATED = numbered(4, (i) => `g${i}.gated.example`)

/**
 * The server at this address speaks HTTP/1.1 only, and only these hosts resolve to it: a client
 * that has met HTTP/1.1 uses it for minutes.
 */
export const HTTP1_ADDRESS = 7
export const HTTP1_HOSTS: ReadonlySet<string> = new Set(WIDE.slice(4))

/** By family: the hosts of a family often resolve to the same address. */
export const FAMILIES: readonly (readonly string[])[] = [ONE, TWO, SHOPS, COMMON, WIDE, DEEP, GATED]
export const HOSTS: readonly string[] = FAMILIES.flat()
/** Get more requests than the others, most of which can share little. */
export const BUSY_HOSTS: readonly string[] = [...ONE, ...TWO]
/** Hosts in the clients' `deny`. */
export const KEPT_APART: ReadonlySet<string> = new Set(GATED)

export interface CertificatePlan {
  readonly names: readonly string[]
  /**
   * Certificate without a subjectAltName: only the common name counts, and only for clients that
   * still accept it.
   */
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
/** Certificate for handshakes without a server name. */
export const DEFAULT_CERTIFICATE = 4

/** TTL of DNS answers, in milliseconds. */
export const TTL_MS = 200

/** Isolation of requests; most have none. */
export const TAGS: readonly (string | undefined)[] = [undefined, undefined, undefined, undefined, 'red', 'blue']

export interface ClientPlan {
  readonly name: string
  /** Reason why the client may not share connections among hosts. */
  readonly unshareable?: 'client-certificate' | 'unauthorized' | 'certificate-expired'
  /** Share of all requests. */
  readonly weight: number
}

export const CLIENTS: readonly ClientPlan[] = [
  { name: 'plain', weight: 0.47 },
  { name: 'TLS 1.3 only', weight: 0.47 },
  { name: 'with a client certificate', unshareable: 'client-certificate', weight: 0.02 },
  { name: 'without verification', unshareable: 'unauthorized', weight: 0.02 },
  { name: 'with a clock at which all certificates have expired', unshareable: 'certificate-expired', weight: 0.02 },
]

/** Configuration of a server from one start to the next. */
export interface Life {
  readonly address: number
  /** Certificates in order of preference: the first that covers the server name is used. */
  readonly preference: readonly number[]
  /**
   * Hosts in its ORIGIN frames besides the one the connection was made for; `undefined` if it sends
   * none.
   */
  readonly originHosts: readonly string[] | undefined
  /** Hosts for which it answers 421 on connections made for others. */
  readonly disowned: readonly string[]
  readonly maxStreams: number
}

/** Returns the certificate that a server uses for that name. */
export function certificateShown({ preference }: Pick<Life, 'preference'>, serverName: string): number {
  return preference.find((number) => isShownFor(CERTIFICATES[number]!, serverName)) ?? DEFAULT_CERTIFICATE
}

/**
 * Whether a new connection accepts the certificate for the host: a wildcard is one label, and a
 * common name still counts.
 */
function isShownFor({ names, commonName }: CertificatePlan, host: string): boolean {
  const wildcard = host.replace(/^[^.]+/, '*')
  return commonName === undefined ? names.includes(host) || names.includes(wildcard) : commonName === wildcard
}
