/**
 * Public suffixes, from tldts. Its list takes 7 to 20 ms to set up. A verdict is synchronous, so the list is set up synchronously too: by
 * the first question, or earlier, while hosts wait for a handshake. Importing this module costs nothing: `bundle.mjs` puts tldts
 * into the published file as a function that the first call of `getPublicSuffix` runs. The published file is complete: it has no other file to find.
 */

import { systemClock } from '@unshard/core'
import { getPublicSuffix } from 'tldts'

type Lookup = Pick<typeof import('tldts'), 'getPublicSuffix'>['getPublicSuffix']

// The ICANN section only: `*.googleapis.com` belongs to one owner, though the list's private section has it.
const OPTIONS = { allowPrivateDomains: false, extractHostname: false, validateHostname: false } as const

/** The list of public suffixes, set up at the first question. */
export class PublicSuffixes {
  readonly #lookup: Lookup
  #expected = false

  /** @param lookup the function that answers. Its first call may take long. */
  constructor(lookup: Lookup = getPublicSuffix) {
    this.#lookup = lookup
  }

  /** The public suffix of a lower-case DNS name: the part under which anyone can register names. */
  of(name: string): string | null {
    return this.#lookup(name, OPTIONS)
  }

  /**
   * Sets up the list in two turns of the event loop, because a question follows when a handshake is complete. By then the first bytes of
   * the handshake are sent, and there is time until the peer answers.
   */
  expect(): void {
    if (this.#expected) return
    this.#expected = true
    systemClock.afterTurn(() => systemClock.afterTurn(() => void this.of('example.com')))
  }
}

/** One for the process: the list is the same for every policy. */
export const publicSuffixes: PublicSuffixes = new PublicSuffixes()
