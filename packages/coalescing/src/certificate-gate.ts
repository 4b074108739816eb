/**
 * The strict gate: whether a recorded certificate covers a host, more narrowly than
 * `tls.checkServerIdentity`, which also accepts common names, partial wildcards and `*.co.uk` (RFC
 * 9525 §6.3, RFC 9113 §9.1.1). It complements the client's own check and does not replace it.
 */

import type { Certificate } from '@unshard/core'
import { dnsNamesOf } from './dns-names.js'
import { isDnsName } from './host-name.js'
import { publicSuffixes } from './public-suffixes.js'

/**
 * Results of the gate: the first two mean that the host is covered. A host that is named exactly is
 * never `by-wildcard`.
 */
export type GateResult = 'named' | 'by-wildcard' | 'certificate-does-not-cover-host' | 'wildcard-on-public-suffix'

/** Cached results for one certificate, which is checked for the same hosts repeatedly. */
interface Examined {
  readonly validFromMs: number
  readonly validToMs: number
  /** DNS names of the subjectAltName, by their lower-case form. */
  readonly names: ReadonlyMap<string, string>
  readonly hosts: Map<string, GateResult>
}

/**
 * Maximum number of hosts cached per certificate; beyond it, all are dropped: checking a host again
 * takes a few microseconds.
 */
const MAX_HOSTS = 16_384

/** SAN only, and names as they are written there. */
const EXACT = { subject: 'never', wildcards: false, partialWildcards: false, multiLabelWildcards: false } as const

const examined = new WeakMap<Certificate, Examined>()

/**
 * Whether `nowMs`, in milliseconds since the epoch, is within the validity period of the
 * certificate (RFC 5280 §4.1.2.5: both ends included).
 */
export function isValidAt(certificate: Certificate, nowMs: number): boolean {
  const { validFromMs, validToMs } = examine(certificate)
  // An invalid date is NaN, so the certificate is not valid.
  return nowMs >= validFromMs && nowMs <= validToMs
}

/**
 * Whether the subjectAltName of `certificate` covers `host`. Anything but a lower-case DNS name is
 * not covered.
 */
export function strictGate(certificate: Certificate, host: string): GateResult {
  const { hosts } = examine(certificate)
  let result = hosts.get(host)
  if (result !== undefined) return result
  result = ask(certificate, host)
  if (hosts.size >= MAX_HOSTS) hosts.clear()
  hosts.set(host, result)
  return result
}

function ask(certificate: Certificate, host: string): GateResult {
  if (!isDnsName(host)) return 'certificate-does-not-cover-host'
  // Exact names first: a wildcard must not hide an exact name.
  if (isNamed(certificate, host)) return 'named'
  // The only wildcard that covers the host is a whole left-most label in place of its own (RFC 9525
  // §6.3), above at least two.
  const parent = host.slice(host.indexOf('.') + 1)
  const isCovered = parent !== host && parent.includes('.') && isNamed(certificate, `*.${parent}`)
  if (!isCovered) return 'certificate-does-not-cover-host'
  return isSafeParent(parent) ? 'by-wildcard' : 'wildcard-on-public-suffix'
}

/**
 * Requires the name in the certificate as this package reads it, and as the runtime does: `checkHost`
 * of Deno also accepts a common name, and compares letter by letter.
 */
function isNamed(certificate: Certificate, name: string): boolean {
  const written = examine(certificate).names.get(name)
  return written !== undefined && certificate.x509.checkHost(written, EXACT) !== undefined
}

/** Requires a suffix under which strangers cannot register names: never `co.uk`. */
function isSafeParent(parent: string): boolean {
  const suffix = publicSuffixes.of(parent)
  return suffix !== null && suffix !== parent
}

function examine(certificate: Certificate): Examined {
  let known = examined.get(certificate)
  if (known === undefined) {
    const { validFrom, validTo, raw } = certificate.x509
    const names = dnsNamesOf(raw)
    known = { validFromMs: Date.parse(validFrom), validToMs: Date.parse(validTo), names, hosts: new Map() }
    examined.set(certificate, known)
  }
  return known
}
