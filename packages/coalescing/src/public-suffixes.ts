/**
 * Public suffixes, from tldts. Its list takes 7 to 20 ms to build. Verdicts are synchronous, so the
 * list is built synchronously too: with the first query, or earlier, while requests wait for a
 * handshake. Importing this module costs nothing: `bundle.mjs` wraps tldts in a function that the
 * first call of `getPublicSuffix` runs, inside the published file, which needs no other file.
 */

import { systemClock } from '@unshard/core'
import { getPublicSuffix } from 'tldts'

type Lookup = Pick<typeof import('tldts'), 'getPublicSuffix'>['getPublicSuffix']

// ICANN section only: `*.googleapis.com` belongs to one owner although it is in the private
// section.
const OPTIONS = { allowPrivateDomains: false, extractHostname: false, validateHostname: false } as const

/** The list of public suffixes, built with the first query. */
export class PublicSuffixes {
  readonly #lookup: Lookup
  #expected = false

  /** @param lookup returns the suffix of a name. Its first call may take long. */
  constructor(lookup: Lookup = getPublicSuffix) {
    this.#lookup = lookup
  }

  /**
   * Returns the public suffix of a lower-case DNS name: the part under which anyone can register
   * names.
   */
  of(name: string): string | null {
    return this.#lookup(name, OPTIONS)
  }

  /**
   * Builds the list after two event-loop turns, because a query follows when a handshake completes.
   * By then the first bytes of the handshake are sent, and there is time until the peer answers.
   */
  expect(): void {
    if (this.#expected) return
    this.#expected = true
    systemClock.afterTurn(() => systemClock.afterTurn(() => void this.of('example.com')))
  }
}

/** One per process: the list is the same for every policy. */
export const publicSuffixes: PublicSuffixes = new PublicSuffixes()
