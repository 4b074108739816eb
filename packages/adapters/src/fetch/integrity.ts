/** Subresource Integrity: whether content is what the caller has a hash of (SRI §3.3). Only the strongest of several algorithms counts. */

interface Metadata {
  readonly algorithm: string
  readonly digest: string
}

/** From the weakest to the strongest (SRI §3.2). */
const ALGORITHMS = ['sha256', 'sha384', 'sha512']
const PATTERN = /^(sha256|sha384|sha512)-([A-Za-z0-9+/_-]+={0,2})(?:\?[\x21-\x7e]*)?$/i

/** What is worth checking in `init.integrity`; empty where nothing in it is understood, which then allows everything (SRI §3.3.4). */
export function parseIntegrity(text: string): Metadata[] {
  const all = text.split(/[\t\n\f\r ]+/).flatMap((word): Metadata[] => {
    const match = PATTERN.exec(word)
    return match === null ? [] : [{ algorithm: match[1]!.toLowerCase(), digest: normalize(match[2]!) }]
  })
  const strongest = ALGORITHMS.findLast((name) => all.some(({ algorithm }) => algorithm === name))
  return all.filter(({ algorithm }) => algorithm === strongest)
}

/** Whether the content has one of the hashes. */
export function matchesIntegrity(bytes: Uint8Array, metadata: readonly Metadata[]): boolean {
  if (metadata.length === 0) return true
  const { createHash } = process.getBuiltinModule('node:crypto')
  const actual = normalize(createHash(metadata[0]!.algorithm).update(bytes).digest('base64'))
  return metadata.some(({ digest }) => digest === actual)
}

/** Hashes are also written in base64url, and without padding. */
function normalize(digest: string): string {
  return digest.replace(/-/g, '+').replace(/_/g, '/').replace(/=+$/, '')
}
