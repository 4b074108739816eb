/** The sentences of docs/reference/reasons.md: a test compares them. */

import type { CoalescingReason } from '@unshard/coalescing'
import type { ClientReason } from '@unshard/core'

/** `{A}` is the origin that a connection was made for, `{B}` the origin of the request. */
export const SENTENCES: Readonly<Record<CoalescingReason | ClientReason, string>> = {
  'address-and-certificate': 'All rules hold: the connection is used.',
  'origin-set-and-certificate': 'All rules hold, with the Origin Set in place of DNS (trustOriginFrame).',
  'declared-and-certificate': 'All rules hold in a tunnel, with a host group in place of DNS.',
  'handshake-under-way': '{B} waits for a pending dial to one of its addresses or, in a tunnel, to a host of its group.',
  'coalescing-off': "The mode is 'off'.",
  'denied-by-option': '{A} or {B} is in deny.',
  'not-https': '{A} or {B} is not https.',
  'ip-literal': 'The host of {A} or {B} is an IP address.',
  'not-a-dns-name': 'The host of {A} or {B} ends with a dot or is not a DNS name, or {A} or {B} is on a Unix socket.',
  'port-differs': '{A}, {B} and the socket do not have the same port.',
  'not-h2': 'The server chose HTTP/1.1 for {A}.',
  'settings-outstanding': "The server's SETTINGS, and so its limits, have not arrived yet.",
  draining: 'The connection accepts no more requests: GOAWAY, its age, or it is closing or closed.',
  'no-capacity': 'The server allows no streams at all. A busy connection is still shared, and the request queues.',
  'options-differ': 'TLS options, isolation, proxy, lookup, local address or socket path differ.',
  'client-certificate': 'The client has a client certificate, so the connection is authenticated as one identity.',
  unauthorized: "The server's certificate could not be verified, and rejectUnauthorized: false accepted it.",
  'verification-off': 'The certificate was verified, but any other would have been accepted: rejectUnauthorized is false.',
  'certificate-unknown':
    'The connection has no certificate on record: it resumed a TLS session whose first handshake is unknown.',
  'certificate-expired': 'The certificate has expired since the connection was opened.',
  'certificate-does-not-cover-host': '{B} is not in the subjectAltName, or your own check (such as pins) refused it.',
  'wildcard-on-public-suffix': 'Only a wildcard such as *.co.uk covers {B}.',
  'wildcard-not-declared': "Only a wildcard covers {B}, wildcards is 'declared', and no host group contains {A} and {B}.",
  proxied: 'The connection leads through a proxy, and {A} and {B} are not declared.',
  'addresses-unknown': "{B}'s addresses, or the connection's, are unknown.",
  'address-differs': '{B} does not resolve to the connected address.',
  'private-address':
    "The connected address is private, and {A}'s answer does not contain it, or {B}'s answer also contains public addresses.",
  'no-origin-frame': "The mode is 'origin-frame', the server has sent no ORIGIN, and no host group contains {A} and {B}.",
  'not-in-origin-set': 'The server has sent ORIGIN without {B}, or has since answered 421 for {B}.',
  'misdirected-before': 'The server answered 421 for {B} here less than five minutes ago.',
  'first-connection': 'No connection was open.',
  busy: '{B} needed a further connection beside its existing ones.',
  intercepted: 'An interceptor made the response without a connection.',
  'past-its-age': 'The open connection has reached maxConnectionAgeMs.',
  'handshake-too-slow': '{B} waited for a handshake and then dialed.',
  'connection-close': 'The request asked for a dedicated connection.',
  'unix-socket': 'A Unix socket is never shared between origins.',
  'policy-failed': 'A user-supplied policy threw or returned an invalid verdict; Node warns once.',
}

/** Returns the sentence for a reason; `undefined` for one of a user-supplied policy. */
export function sentenceOf(reason: string, connectionOrigin: string, requestOrigin: string): string | undefined {
  if (!Object.hasOwn(SENTENCES, reason)) return undefined
  const sentence = SENTENCES[reason as keyof typeof SENTENCES]
  return sentence.replaceAll('{A}', () => connectionOrigin).replaceAll('{B}', () => requestOrigin)
}
