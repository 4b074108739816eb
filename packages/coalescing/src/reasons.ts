/**
 * Names of all reasons. They appear in diagnostics, tests and `docs/reference/reasons.md`, and are as
 * stable as error codes.
 */

/** Reasons why a connection or a pending dial may serve another origin. */
export const GRANT_REASONS = [
  'address-and-certificate',
  'origin-set-and-certificate',
  'declared-and-certificate',
  'handshake-under-way',
] as const

/**
 * Reasons why it may not, in the order of the rules. The first rule that fails determines the
 * reason.
 */
export const REFUSAL_REASONS = [
  'coalescing-off',
  'denied-by-option',
  'not-https',
  'ip-literal',
  'not-a-dns-name',
  'port-differs',
  'not-h2',
  'settings-outstanding',
  'draining',
  'no-capacity',
  'options-differ',
  'client-certificate',
  'unauthorized',
  'verification-off',
  'certificate-unknown',
  'certificate-expired',
  'certificate-does-not-cover-host',
  'wildcard-on-public-suffix',
  'wildcard-not-declared',
  'proxied',
  'addresses-unknown',
  'address-differs',
  'private-address',
  'no-origin-frame',
  'not-in-origin-set',
  'misdirected-before',
] as const

/** All rules hold. */
export type GrantReason = (typeof GRANT_REASONS)[number]

/** A rule that failed. */
export type RefusalReason = (typeof REFUSAL_REASONS)[number]

/** The `because` of every verdict of the coalescing policy. */
export type CoalescingReason = GrantReason | RefusalReason

declare module '@unshard/core' {
  interface PolicyReasons {
    coalescing: CoalescingReason
  }
}
