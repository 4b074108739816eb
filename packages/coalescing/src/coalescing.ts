/**
 * Rules by which a connection made for one origin may serve another (RFC 9113 §9.1.1, RFC 8336
 * §2.4). All must hold; the first that fails is the reason. A refusal costs a connection, but a
 * wrong grant sends a request to the wrong server, so anything unclear is refused. Numbered as in
 * docs/concepts/coalescing.md. The eleventh rule, that per-origin state stays with its origin, is enforced
 * by the client.
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

/** All possible verdicts, created once so that asking allocates nothing. */
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
 * Creates the policy that lets one HTTP/2 connection serve every origin that resolves to its
 * address and is covered by its certificate (RFC 9113 §9.1.1). Asking for a verdict changes
 * nothing. Each policy remembers 421 responses: share the object between clients to share that
 * memory.
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
      // A wildcard check usually follows the handshake, so start loading the suffix list now.
      publicSuffixes.expect()
      return WAIT
    }
    const refused = this.#refusal(candidate, target)
    if (refused !== undefined) return REFUSE[refused]
    // 10. The server has not answered 421 for this origin at this address with this certificate
    // (RFC 9110 §15.5.20); after a while one request may try again.
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

  /** Checks rules 1 to 9. */
  #refusal(connection: Connection, target: Target): RefusalReason | undefined {
    const { route } = connection
    const { origin } = target
    return (
      this.#optionRefusal(route.origin, origin) ??
      namesRefusal(route.origin, origin, isTunnel(connection, target) ? origin.port : route.remotePort) ??
      engineRefusal(connection) ??
      // 4 and 5. Isolation, proxy, local address, lookup, socket path and TLS options are equal:
      // one key contains them all.
      (route.reuseKey === target.reuseKey ? undefined : 'options-differ') ??
      this.#peerRefusal(connection) ??
      this.#certificateRefusal(connection, target) ??
      this.#addressRefusal(connection, target) ??
      this.#originFrameRefusal(connection, origin)
    )
  }

  /**
   * Checks what is known before the certificate is. The result only decides whether to wait: the
   * finished connection is checked again.
   */
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
    // 1. Coalescing is enabled, and `deny` contains neither host. `allow` is checked where it
    //    matters: in rules 7, 8 and 9.
    if (mode === 'off') return 'coalescing-off'
    return deny.has(other.host) || deny.has(own.host) ? 'denied-by-option' : undefined
  }

  #peerRefusal({ route }: Connection): RefusalReason | undefined {
    const { allowUnauthorized } = this.#options
    // 6. The connection has no client certificate, and its peer was verified, or it would not be
    //    open. A resumed session may have no certificate on record. A user-supplied `servername`
    //    needs no check: the reuse key then contains the origin.
    if (route.clientCertificate) return 'client-certificate'
    if (!allowUnauthorized && !route.authorized) return 'unauthorized'
    if (!allowUnauthorized && route.lenient) return 'verification-off'
    return route.certificate === undefined ? 'certificate-unknown' : undefined
  }

  #certificateRefusal({ route }: Connection, target: Target): RefusalReason | undefined {
    const certificate = route.certificate!
    // 7. The certificate is still valid and covers the host, both by the client's own check and by
    //    the strict gate.
    if (!isValidAt(certificate, this.#options.clock.now())) return 'certificate-expired'
    if (!passesOwnCheck(target, certificate)) return 'certificate-does-not-cover-host'
    const gate = strictGate(certificate, target.origin.host)
    if (gate === 'named') return undefined
    if (gate !== 'by-wildcard') return gate
    return this.#options.wildcards === 'any' ? undefined : this.#undeclared(route.origin, target.origin, 'wildcard-not-declared')
  }

  #addressRefusal(connection: Connection, target: Target): RefusalReason | undefined {
    // 8. The host resolves to the connected address; without DNS, `allow` or a trusted Origin Set
    //    declares it (RFC 8336 §2.4).
    if (this.#trusts(connection, target.origin)) return undefined
    if (isTunnel(connection, target)) return this.#undeclared(connection.route.origin, target.origin, 'proxied')
    return addressRefusal(connection.route, target.addresses)
  }

  #originFrameRefusal({ originSet, route }: Connection, origin: Origin): RefusalReason | undefined {
    // 9. Once a server has sent ORIGIN, only origins in the set are served (RFC 8336 §2.4), through
    //    tunnels too: there the frame comes from the server, not the proxy (RFC 8336 §2.2). Being
    //    in the set waives no other rule unless `trustOriginFrame` is set.
    if (originSet !== undefined) return originSet.has(origin.serialized) ? undefined : 'not-in-origin-set'
    return this.#options.mode === 'origin-frame' ? this.#undeclared(route.origin, origin, 'no-origin-frame') : undefined
  }

  /** Returns `refusal` unless a group of `allow` contains both hosts. */
  #undeclared(own: Origin, other: Origin, refusal: RefusalReason): RefusalReason | undefined {
    return this.#options.allow.join(own.host, other.host) ? undefined : refusal
  }

  #trusts({ originSet }: Connection, origin: Origin): boolean {
    return this.#options.trustOriginFrame && originSet?.has(origin.serialized) === true
  }

  /** Returns the grant with the reason why rule 8 holds. */
  #grantOf(connection: Connection, target: Target): ConnectionGrant {
    if (this.#trusts(connection, target.origin)) return 'origin-set-and-certificate'
    return isTunnel(connection, target) ? 'declared-and-certificate' : 'address-and-certificate'
  }
}

/**
 * Equal reuse keys mean the same proxy; if only one side has a proxy, addresses cannot be compared
 * either.
 */
function isTunnel({ route }: Connection, { proxy }: Target): boolean {
  return proxy !== undefined || route.proxy !== undefined
}
