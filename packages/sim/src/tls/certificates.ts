/**
 * Real certificates for modelled TLS: core and coalescing read them with OpenSSL's rules. Issued once
 * per process and set of names.
 */

import { X509Certificate } from 'node:crypto'
import type { PeerCertificate } from 'node:tls'
import type { Authority } from '@unshard/testkit'

/** A certificate as the client sees it. */
export interface SimCertificate {
  readonly names: readonly string[]
  readonly peer: PeerCertificate
  /** PEM, for real TLS. */
  readonly cert: string
  readonly key: string
  /** Whether its authority is trusted. */
  readonly trusted: boolean
}

/** Names of a certificate that covers no host of any world. */
export const MISNAMED: readonly string[] = ['misnamed.sim.example']

const issued = new Map<string, SimCertificate>()
let authorities: { readonly trusted: Authority; readonly other: Authority } | undefined

/** PEM of the authority that the client trusts in worlds with real TLS. Known after the first certificate. */
export function trustedAuthority(): string {
  return authorities!.trusted.ca
}

/** Issues certificates. Call before a run: it takes real time. */
export async function prepareCertificate(names: readonly string[], trusted: boolean): Promise<void> {
  const key = keyOf(names, trusted)
  if (issued.has(key)) return
  if (authorities === undefined) {
    // Loaded here, because it imports core, whose copy must see replaced builtins.
    const { createAuthority } = await import('@unshard/testkit')
    authorities = { trusted: await createAuthority(), other: await createAuthority() }
  }
  const { cert, key: privateKey } = await authorities[trusted ? 'trusted' : 'other'].issue({
    names,
    notBefore: new Date(Date.UTC(2025, 0, 1)),
    notAfter: new Date(Date.UTC(2035, 0, 1)),
  })
  const peer = new X509Certificate(cert).toLegacyObject() as PeerCertificate
  issued.set(key, { names, peer, cert, key: privateKey, trusted })
}

/** @throws Error for names that were not prepared. */
export function certificateFor(names: readonly string[], trusted: boolean): SimCertificate {
  const found = issued.get(keyOf(names, trusted))
  if (found === undefined) throw new Error(`no certificate was prepared for ${names.join(' ')}`)
  return found
}

function keyOf(names: readonly string[], trusted: boolean): string {
  return `${names.join(' ')} ${trusted}`
}

/** Whether a list of names covers a host: whole left-most label (RFC 9525 §6.3). */
export function covers(names: readonly string[], host: string): boolean {
  const rest = host.slice(host.indexOf('.') + 1)
  return names.includes(host) || names.includes(`*.${rest}`)
}
