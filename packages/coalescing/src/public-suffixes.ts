/**
 * Public suffixes, by tldts, which costs 12 to 21 ms to load. A verdict is synchronous, so `import()` cannot bring it in time, and a
 * refusal until it is there would make verdicts depend on timing. So it is required at the first question, and costs nothing where none
 * is asked; or a moment before, where hosts wait for a handshake, which passes meanwhile.
 * A bundler leaves the call as it is: tldts must then be installed beside the bundle.
 */

import { createRequire } from 'node:module'
import { systemClock } from '@unshard/core'

type Tldts = Pick<typeof import('tldts'), 'getPublicSuffix'>

// The ICANN section only: `*.googleapis.com` is one owner's, though the list's private section has it.
const OPTIONS = { allowPrivateDomains: false, extractHostname: false, validateHostname: false } as const

/** The list, when it is needed. */
export class PublicSuffixes {
  readonly #require: () => Tldts
  #tldts: Tldts | undefined
  #expected = false

  /** @param require what brings tldts. */
  constructor(require: () => Tldts = () => createRequire(import.meta.url)('tldts') as Tldts) {
    this.#require = require
  }

  /** The suffix of a lower-case DNS name, under which strangers register names. @throws what loading the list throws. */
  of(name: string): string | null {
    return this.#load().getPublicSuffix(name, OPTIONS)
  }

  /**
   * There will be a question when a handshake is over. In two turns of the event loop its first octets are on their way, or TCP's are, and
   * until they are answered there is time.
   */
  expect(): void {
    if (this.#expected) return
    this.#expected = true
    systemClock.afterTurn(() => systemClock.afterTurn(() => this.#try()))
  }

  #try(): void {
    try {
      this.#load()
    } catch {
      // Who asks will be told.
    }
  }

  #load(): Tldts {
    this.#tldts ??= this.#require()
    return this.#tldts
  }
}

/** One for all: it is the same list for everybody. */
export const publicSuffixes: PublicSuffixes = new PublicSuffixes()
