/**
 * The rules by which a connection made for one origin may serve another (RFC 9113 §9.1.1, RFC 8336 §2.4). All must hold; the first
 * that fails is the reason. A refusal costs a connection, a wrong grant sends a request to a stranger: what is unclear is refused.
 */

import {
  type Certificate,
  type Connection,
  type Dial,
  isConnection,
  type Origin,
  type ReusePolicy,
  type Target,
  type Verdict,
} from '@unshard/core'
import { includesAddress, sharesAddress } from './addresses.js'
import { isValidAt, strictGate } from './certificate-gate.js'
import { DenyMemory } from './deny-memory.js'
import { isDnsName } from './host-name.js'
import { type CoalescingOptions, type ResolvedCoalescingOptions, resolveOptions } from './options.js'
import type { CoalescingReason, RefusalReason } from './reasons.js'

/** A verdict of this policy: `because` is one of its own reasons. */
type NamedVerdict = Verdict & { readonly because: CoalescingReason }

const USE: NamedVerdict = { use: true, because: 'address-and-certificate' }
const WAIT: NamedVerdict = { wait: true, because: 'handshake-under-way' }

/**
 * The policy that lets one HTTP/2 connection serve every origin that leads to its address and that its certificate covers.
 * Its memory of 421 responses is its own: share the object between clients to share the memory.
 * @throws UsageError `ERR_UNKNOWN_OPTION` or `ERR_INVALID_OPTION`, naming the option.
 */
export function coalescing(options: CoalescingOptions = {}): ReusePolicy {
  return new CoalescingPolicy(resolveOptions(options))
}

class CoalescingPolicy implements ReusePolicy {
  readonly #options: ResolvedCoalescingOptions
  readonly #denyMemory: DenyMemory

  constructor(options: ResolvedCoalescingOptions) {
    this.#options = options
    this.#denyMemory = new DenyMemory(options.monotonicClock)
  }

  verdict(candidate: Connection | Dial, target: Target): NamedVerdict {
    if (isConnection(candidate)) {
      const because = this.#refusal(candidate, target)
      return because === undefined ? USE : { use: false, because }
    }
    const because = this.#dialRefusal(candidate, target)
    return because === undefined ? WAIT : { use: false, because }
  }

  misdirected(connection: Connection, origin: Origin): void {
    this.#denyMemory.add(connection, origin)
  }

  #refusal(connection: Connection, target: Target): RefusalReason | undefined {
    const { route } = connection
    const { origin } = target
    // 1. The server has not disowned this origin, at this address and with this certificate (RFC 9110 §15.5.20).
    if (this.#denyMemory.has(connection, origin)) return 'misdirected-before'
    return (
      namesRefusal(route.origin, origin, route.remotePort) ??
      engineRefusal(connection) ??
      // 4. Made with the same trust, identity, isolation and local address.
      (route.reuseKey === target.reuseKey ? undefined : 'options-differ') ??
      this.#identityRefusal(connection, target) ??
      addressRefusal(route.remoteAddress, target) ??
      // 8. Once a server has sent ORIGIN, what is not in the set is not served (RFC 8336 §2.4). It only narrows: 6 and 7 hold anyway.
      (connection.originSet?.has(origin.serialized) === false ? 'not-in-origin-set' : undefined) ??
      this.#optionRefusal(route.origin, origin)
    )
  }

  /** What can be known before there is a certificate. Only whether to wait is decided here: the connection is asked about later. */
  #dialRefusal(dial: Dial, target: Target): RefusalReason | undefined {
    const { origin, addresses } = target
    const refused = namesRefusal(dial.origin, origin, dial.port)
    if (refused !== undefined) return refused
    if (dial.reuseKey !== target.reuseKey) return 'options-differ'
    if (addresses === undefined || addresses.length === 0) return 'addresses-unknown'
    if (!sharesAddress(dial.addresses, addresses)) return 'address-differs'
    return this.#optionRefusal(dial.origin, origin)
  }

  #identityRefusal({ route }: Connection, target: Target): RefusalReason | undefined {
    const { certificate } = route
    // 5. The connection speaks for nobody, and its peer was verified. A resumed session may have no certificate on record.
    if (route.clientCertificate) return 'client-certificate'
    if (!route.authorized) return 'unauthorized'
    if (certificate === undefined) return 'certificate-unknown'
    // 6. The certificate still holds, and covers the host by the client's own check and by the strict gate.
    if (!isValidAt(certificate, this.#options.clock.now())) return 'certificate-expired'
    if (!passesOwnCheck(target, certificate)) return 'certificate-does-not-cover-host'
    const gate = strictGate(certificate, target.origin.host)
    return gate === 'covered' ? undefined : gate
  }

  #optionRefusal(own: Origin, other: Origin): RefusalReason | undefined {
    const { deny } = this.#options
    // 9. Neither host is on the caller's own list.
    return deny.size > 0 && (deny.has(other.host) || deny.has(own.host)) ? 'denied-by-option' : undefined
  }
}

function namesRefusal(own: Origin, other: Origin, connectedPort: number | undefined): RefusalReason | undefined {
  // 2. Both https, both DNS names, and one port: that which the socket is connected to.
  if (own.scheme !== 'https' || other.scheme !== 'https') return 'not-https'
  if (own.isAddress || other.isAddress) return 'ip-literal'
  if (!isDnsName(own.host) || !isDnsName(other.host)) return 'not-a-dns-name'
  if (connectedPort !== other.port || own.port !== other.port) return 'port-differs'
  return undefined
}

function engineRefusal({ protocol, state, capacity, active }: Connection): RefusalReason | undefined {
  // 3. HTTP/2, and it takes requests: now, or when one of those in flight has ended. Busy is no reason for another connection.
  if (protocol !== 'h2') return 'not-h2'
  if (state !== 'open') return 'draining'
  if (capacity <= 0 && active === 0) return 'no-capacity'
  return undefined
}

/**
 * RFC 9113 §9.1.1: "any checks that the client would perform when forming a new TLS connection". As there, any falsy answer is a pass
 * (callers' own functions return `null` too). One that throws has not passed.
 */
function passesOwnCheck(target: Target, certificate: Certificate): boolean {
  try {
    return !target.verify(certificate)
  } catch {
    return false
  }
}

function addressRefusal(connected: string | undefined, { addresses }: Target): RefusalReason | undefined {
  // 7. The host's fresh DNS answer has the address that the socket is connected to.
  if (connected === undefined || addresses === undefined || addresses.length === 0) return 'addresses-unknown'
  return includesAddress(addresses, connected) ? undefined : 'address-differs'
}
