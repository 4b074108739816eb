/**
 * The strict gate: whether a recorded certificate covers a host, more narrowly than `tls.checkServerIdentity`, which also accepts
 * common names, partial wildcards and `*.co.uk` (RFC 9525 §6.3, RFC 9113 §9.1.1). It stands beside the client's own check, not instead.
 */

import type { Certificate } from '@unshard/core'
import { isDnsName } from './host-name.js'
import { publicSuffixes } from './public-suffixes.js'

/** What the gate can answer: the first two say that the host is covered. A host that is named is never `by-wildcard`. */
export type GateResult = 'named' | 'by-wildcard' | 'certificate-does-not-cover-host' | 'wildcard-on-public-suffix'

/** What is remembered of one certificate: it is asked about the same hosts again and again. */
interface Examined {
  readonly validFromMs: number
  readonly validToMs: number
  readonly hosts: Map<string, GateResult>
}

/** Hosts remembered for each certificate. Bounded by forgetting them all: a host costs some microseconds to ask again. */
const MAX_HOSTS = 16_384

/** SAN only, the wildcard a whole left-most label and exactly one label. */
const EXACT = { subject: 'never', wildcards: false, partialWildcards: false, multiLabelWildcards: false } as const
const STRICT = { ...EXACT, wildcards: true, singleLabelSubdomains: false } as const

const examined = new WeakMap<Certificate, Examined>()

/** Whether `nowMs`, milliseconds since the epoch, is within the certificate's validity (RFC 5280 §4.1.2.5: both ends included). */
export function isValidAt(certificate: Certificate, nowMs: number): boolean {
  const { validFromMs, validToMs } = examine(certificate)
  // A date that cannot be read is NaN, and not valid.
  return nowMs >= validFromMs && nowMs <= validToMs
}

/** Whether the subjectAltName of `certificate` covers `host`. Anything but a lower-case DNS name is never covered. */
export function strictGate(certificate: Certificate, host: string): GateResult {
  const { hosts } = examine(certificate)
  let result = hosts.get(host)
  if (result !== undefined) return result
  result = ask(certificate, host)
  if (hosts.size >= MAX_HOSTS) hosts.clear()
  hosts.set(host, result)
  return result
}

function ask({ x509 }: Certificate, host: string): GateResult {
  if (!isDnsName(host)) return 'certificate-does-not-cover-host'
  // Exact names first: checkHost tells only the first match, and a wildcard before it must not hide one.
  if (x509.checkHost(host, EXACT) !== undefined) return 'named'
  const name = x509.checkHost(host, STRICT)
  if (name === undefined) return 'certificate-does-not-cover-host'
  return isSafeWildcard(name.toLowerCase()) ? 'by-wildcard' : 'wildcard-on-public-suffix'
}

/** At least three labels, and not directly on a suffix under which strangers register names: never `*.co.uk`. */
function isSafeWildcard(name: string): boolean {
  const parent = name.slice('*.'.length)
  if (!name.startsWith('*.') || !isDnsName(parent) || !parent.includes('.')) return false
  const suffix = publicSuffixes.of(parent)
  return suffix !== null && suffix !== parent
}

function examine(certificate: Certificate): Examined {
  let known = examined.get(certificate)
  if (known === undefined) {
    const { validFrom, validTo } = certificate.x509
    known = { validFromMs: Date.parse(validFrom), validToMs: Date.parse(validTo), hosts: new Map() }
    examined.set(certificate, known)
  }
  return known
}
