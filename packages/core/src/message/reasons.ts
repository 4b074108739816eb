/**
 * Names of the reasons why a connection serves a request. Diagnostics and tests show them; they are
 * as stable as error codes.
 */

/** Reasons of the client itself: see docs/reference/reasons.md. */
export const CLIENT_REASONS = [
  'first-connection',
  'address-differs',
  'options-differ',
  'not-h2',
  'certificate-does-not-cover-host',
  'misdirected-before',
  'handshake-under-way',
  'handshake-too-slow',
  'busy',
  'intercepted',
  'past-its-age',
  'connection-close',
  'unix-socket',
  'proxied',
  'policy-failed',
  'coalescing-off',
] as const

/** A reason of the client itself. */
export type ClientReason = (typeof CLIENT_REASONS)[number]

/** Reasons of reuse policies, one member for each policy. A policy adds its own by declaration merging. */
// biome-ignore lint/suspicious/noEmptyInterface: policies add the members
export interface PolicyReasons {}

/** Why a connection serves a request, or does not: a name from docs/reference/reasons.md, or one of a user-supplied reuse policy. */
export type ReuseReason = ClientReason | PolicyReasons[keyof PolicyReasons] | (string & {})
