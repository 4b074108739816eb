/**
 * The rules by which a connection made for one origin may serve another (RFC 9113 §9.1.1, RFC 8336 §2.4). All must hold; the first
 * that fails is the reason. A refusal costs a connection, a wrong grant sends a request to a stranger: what is unclear is refused.
 * The numbers are those of docs/concepts/coalescing.md. The eleventh, that what belongs to an origin stays with it, is the client's to keep.
 */

import { type Connection, type Dial, isConnection, type Origin, type ReusePolicy, type Target, type Verdict } from '@unshard/core'
import { isValidAt, strictGate } from './certificate-gate.js'
import { DenyMemory } from './deny-memory.js'
import { type CoalescingOptions, type ResolvedCoalescingOptions, resolveOptions } from './options.js'
import { publicSuffixes } from './public-suffixes.js'
import { type CoalescingReason, type GrantReason, REFUSAL_REASONS, type RefusalReason } from './reasons.js'
import { addressRefusal, dialAddressRefusal, engineRefusal, namesRefusal, passesOwnCheck } from './rules.js'

/** A verdict of this policy: `because` is one of its own reasons. */
type NamedVerdict = Verdict & { readonly because: CoalescingReason }
type ConnectionGrant = Exclude<GrantReason, 'handshake-under-way'>

/** Every answer there is, made once: a verdict allocates nothing. */
const WAIT: NamedVerdict = Object.freeze({ wait: true, because: 'handshake-under-way' })
const REFUSE = Object.fromEntries(
  REFUSAL_REASONS.map((because) => [because, Object.freeze({ use: false, because })]),
) as Readonly<Record<RefusalReason, NamedVerdict>>
const GRANT: Readonly<Record<ConnectionGrant, { readonly use: NamedVerdict; readonly trial: NamedVerdict }>> = {
  'address-and-certificate': granted('address-and-certificate'),
  'origin-set-and-certificate': granted('origin-set-and-certificate'),
  'declared-and-certificate': granted('declared-and-certificate'),
}

function granted(because: ConnectionGrant): { use: NamedVerdict; trial: NamedVerdict } {
  return { use: Object.freeze({ use: true, because }), trial: Object.freeze({ use: true, because, trial: true }) }
}

/**
 * The policy that lets one HTTP/2 connection serve every origin that leads to its address and that its certificate covers
 * (RFC 9113 §9.1.1). Its verdicts are pure: asking changes nothing. Its memory of 421 responses is its own: share the object between
 * clients to share the memory.
 * @throws UsageError `ERR_UNKNOWN_OPTION` or `ERR_INVALID_OPTION`, naming the option.
 */
export function coalescing(options: CoalescingOptions = {}): Required<ReusePolicy> {
  return new CoalescingPolicy(resolveOptions(options))
}

class CoalescingPolicy implements Required<ReusePolicy> {
  readonly suspectStatuses: ReadonlySet<number>
  readonly #options: ResolvedCoalescingOptions
  readonly #denyMemory: DenyMemory

  constructor(options: ResolvedCoalescingOptions) {
    this.#options = options
    this.#denyMemory = new DenyMemory(options.monotonicClock)
    this.suspectStatuses = options.suspectStatuses
  }

  verdict(candidate: Connection | Dial, target: Target): NamedVerdict {
    if (!isConnection(candidate)) {
      const refused = this.#dialRefusal(candidate, target)
      if (refused !== undefined) return REFUSE[refused]
      // A wildcard will be asked about when the handshake is over, most of the time.
      publicSuffixes.expect()
      return WAIT
    }
    const refused = this.#refusal(candidate, target)
    if (refused !== undefined) return REFUSE[refused]
    // 10. The server has not disowned this origin here, with this certificate (RFC 9110 §15.5.20); after a while one request may ask.
    const denial = this.#denyMemory.stateOf(candidate, target.origin)
    if (denial === 'denied') return REFUSE['misdirected-before']
    const { use, trial } = GRANT[this.#grantOf(candidate, target)]
    return denial === 'due' ? trial : use
  }

  misdirected(connection: Connection, origin: Origin): void {
    this.#denyMemory.add(connection, origin)
  }

  answered(connection: Connection, origin: Origin): void {
    this.#denyMemory.settle(connection, origin)
  }

  groupsOf(origin: Origin): readonly string[] {
    return this.#options.allow.of(origin.host)
  }

  /** Rules 1 to 9. */
  #refusal(connection: Connection, target: Target): RefusalReason | undefined {
    const { route } = connection
    const { origin } = target
    return (
      this.#optionRefusal(route.origin, origin) ??
      namesRefusal(route.origin, origin, isTunnel(connection, target) ? origin.port : route.remotePort) ??
      engineRefusal(connection) ??
      // 4 and 5. Isolation, proxy, local address, look-up, socket path and TLS options are the same: one key has them all.
      (route.reuseKey === target.reuseKey ? undefined : 'options-differ') ??
      this.#peerRefusal(connection) ??
      this.#certificateRefusal(connection, target) ??
      this.#placeRefusal(connection, target) ??
      this.#originFrameRefusal(connection, origin)
    )
  }

  /** What can be known before there is a certificate. Only whether to wait is decided here: the connection is asked about later. */
  #dialRefusal(dial: Dial, target: Target): RefusalReason | undefined {
    const { origin, proxy, addresses } = target
    return (
      this.#optionRefusal(dial.origin, origin) ??
      namesRefusal(dial.origin, origin, proxy === undefined ? dial.port : origin.port) ??
      (dial.reuseKey === target.reuseKey ? undefined : 'options-differ') ??
      (proxy === undefined ? dialAddressRefusal(dial, addresses) : this.#undeclared(dial.origin, origin, 'proxied'))
    )
  }

  #optionRefusal(own: Origin, other: Origin): RefusalReason | undefined {
    const { mode, deny } = this.#options
    // 1. It is switched on, and neither host is on the caller's own list. What `allow` adds is asked where it is needed: in 7, 8 and 9.
    if (mode === 'off') return 'coalescing-off'
    return deny.has(other.host) || deny.has(own.host) ? 'denied-by-option' : undefined
  }

  #peerRefusal({ route }: Connection): RefusalReason | undefined {
    const { allowUnauthorized } = this.#options
    // 6. The connection speaks for nobody, and its peer was verified, or it would not be there. A resumed session may have no
    // certificate on record. A `servername` of the caller's is no matter: the reuse key then has the origin in it.
    if (route.clientCertificate) return 'client-certificate'
    if (!allowUnauthorized && !route.authorized) return 'unauthorized'
    if (!allowUnauthorized && route.lenient) return 'verification-off'
    return route.certificate === undefined ? 'certificate-unknown' : undefined
  }

  #certificateRefusal({ route }: Connection, target: Target): RefusalReason | undefined {
    const certificate = route.certificate!
    // 7. The certificate still holds, and covers the host by the client's own check and by the strict gate.
    if (!isValidAt(certificate, this.#options.clock.now())) return 'certificate-expired'
    if (!passesOwnCheck(target, certificate)) return 'certificate-does-not-cover-host'
    const gate = strictGate(certificate, target.origin.host)
    if (gate === 'named') return undefined
    if (gate !== 'by-wildcard') return gate
    return this.#options.wildcards === 'any' ? undefined : this.#undeclared(route.origin, target.origin, 'wildcard-not-declared')
  }

  #placeRefusal(connection: Connection, target: Target): RefusalReason | undefined {
    // 8. The host leads where the connection leads: by DNS, or, where nothing is resolved, by the caller's word; or by the server's,
    // if the caller takes it for DNS (RFC 8336 §2.4).
    if (this.#trusts(connection, target.origin)) return undefined
    if (isTunnel(connection, target)) return this.#undeclared(connection.route.origin, target.origin, 'proxied')
    return addressRefusal(connection.route, target.addresses)
  }

  #originFrameRefusal({ originSet, route }: Connection, origin: Origin): RefusalReason | undefined {
    // 9. Once a server has sent ORIGIN, what is not in the set is not served (RFC 8336 §2.4), through tunnels too: there the frame comes
    // from the server, not the proxy (RFC 8336 §2.2). What is in it has no rule less to pass, unless `trustOriginFrame` says so.
    if (originSet !== undefined) return originSet.has(origin.serialized) ? undefined : 'not-in-origin-set'
    return this.#options.mode === 'origin-frame' ? this.#undeclared(route.origin, origin, 'no-origin-frame') : undefined
  }

  /** `refusal`, unless the caller has declared the two to be one. */
  #undeclared(own: Origin, other: Origin, refusal: RefusalReason): RefusalReason | undefined {
    return this.#options.allow.join(own.host, other.host) ? undefined : refusal
  }

  #trusts({ originSet }: Connection, origin: Origin): boolean {
    return this.#options.trustOriginFrame && originSet?.has(origin.serialized) === true
  }

  /** In whose word rule 8 holds, now that it does. */
  #grantOf(connection: Connection, target: Target): ConnectionGrant {
    if (this.#trusts(connection, target.origin)) return 'origin-set-and-certificate'
    return isTunnel(connection, target) ? 'declared-and-certificate' : 'address-and-certificate'
  }
}

/** Equal reuse keys mean the same proxy; where one alone has a proxy, no address is to be compared either. */
function isTunnel({ route }: Connection, { proxy }: Target): boolean {
  return proxy !== undefined || route.proxy !== undefined
}
