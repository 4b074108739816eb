/**
 * Faults that the client once had, put back one at a time: text in a source file of core that is
 * replaced. `find` must occur exactly once.
 */

/** A replacement in one file of `packages/core/src`. */
export interface Replacement {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** A fault that can be put back. */
export interface PutBackFault {
  readonly name: string
  /** The behavior of the client before the fault was mended. */
  readonly why: string
  readonly replacements: readonly Replacement[]
}

export const PUT_BACK: readonly PutBackFault[] = [
  {
    name: 'ill-address',
    why: 'An address won by TCP alone, and one whose server failed after TCP was tried first again.',
    replacements: [
      {
        file: 'connect/dns/address-order.ts',
        find: '    this.#failed.set(keyOf(address, port), ++this.#failures)\n    if (this.#won.get(keyOf(host, port)) === address) this.#won.delete(keyOf(host, port))\n',
        replace: '    void [host, port, address]\n',
      },
      {
        file: 'connect/tcp/race.ts',
        find: '    onConnected?.()\n',
        replace:
          '    onConnected?.()\n    const { memory, port } = this.#options\n    memory?.known.won(memory.host, port, address.address)\n',
      },
    ],
  },
  {
    name: 'poison',
    why: 'All requests of a lost connection were sent again together, and each loss counted.',
    replacements: [
      {
        file: 'client/replay.ts',
        find: "    if (others && !this.#excused) {\n      this.#excused = true\n      return 'together'\n    }\n",
        replace: '',
      },
      {
        file: 'client/replay.ts',
        find: "return others || loss === 'culprit' ? 'apart' : 'together'",
        replace: "return 'together'",
      },
    ],
  },
  {
    name: 'resolver-outage',
    why: 'An expired answer was never used, so that hosts parted and requests failed while the resolver was out.',
    replacements: [
      {
        file: 'connect/dns/resolver.ts',
        find: 'if (known === undefined || now >= known.staleUntil) return asked',
        replace: 'if (known === undefined || now >= known.expiresAt) return asked',
      },
    ],
  },
  {
    name: 'suspend',
    why: 'Silence was measured by the monotonic clock alone, which stops during a suspend.',
    replacements: [
      {
        file: 'h2/health/liveness.ts',
        find: 'return now - since + Math.max(0, this.#clock.wallNow() - now - this.#wallAheadMs)',
        replace: 'return now - since',
      },
      {
        file: 'h1/idle-timer.ts',
        find: 'return this.#clock.wallNow() - this.#wallSince >= this.#limitMs',
        replace: 'return false',
      },
    ],
  },
  {
    name: 'ping-strikes',
    why: 'PINGs were sent again although the server had sent neither HEADERS nor DATA in between.',
    replacements: [
      { file: 'h2/protocol/probe.ts', find: 'return !this.#outstanding && !this.#spent', replace: 'return !this.#outstanding' },
    ],
  },
  {
    name: 'connect-deadline',
    why: 'A dial went on, and requests joined it, after its deadline had passed in a silent handshake.',
    replacements: [
      {
        file: 'pool/pursuit.ts',
        find: 'return !this.#waits && this.#limitMs > 0 && this.#clock.now() - this.#startedAt >= this.#limitMs',
        replace: 'return false',
      },
    ],
  },
  {
    name: 'window-updates-sent',
    why: 'Each DATA frame was answered by WINDOW_UPDATE frames of its own, more than Envoy allows.',
    replacements: [{ file: 'h2/protocol/window.ts', find: 'if (this.#uncredited < this.size / 2) return 0', replace: '' }],
  },
  {
    name: 'window-updates-received',
    why: 'A server that returned credit with each small read was taken for an attacker.',
    replacements: [
      {
        file: 'h2/protocol/abuse-limits.ts',
        find: 'this.#updates += bytes * UPDATES_PER_CONTENT_BYTE',
        replace: 'void [bytes, UPDATES_PER_CONTENT_BYTE]',
      },
    ],
  },
  {
    name: 'late-settings',
    why: 'Requests joined a connection whose server had not sent SETTINGS for long, although another address was well.',
    replacements: [
      {
        file: 'h2/health/liveness.ts',
        find: "if (alternatives && !this.#deps.confirmed() && now - this.#startedAt >= LATE_SETTINGS_MS) this.#stalled = 'unconfirmed'\n    else if",
        replace: 'void [alternatives, LATE_SETTINGS_MS]\n    if',
      },
    ],
  },
]
