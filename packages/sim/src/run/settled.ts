/**
 * Runs a world with real TLS: Node's TLS needs turns of the real event loop, so time stands still
 * until the sockets have done their work. Slower, and not deterministic in its bytes.
 */

import { realImmediate } from '../kernel/builtins.js'
import type { Kernel } from '../kernel/kernel.js'

/** Turns without a new event after which the sockets are at rest. */
const TURNS = 3

export async function runSettled(kernel: Kernel, until: number, done: () => boolean = () => false): Promise<void> {
  await settle(kernel)
  while (!done() && kernel.nextAt <= until) {
    kernel.run(kernel.nextAt, done)
    await settle(kernel)
  }
  if (!done()) kernel.run(until)
}

/** Waits until the process has nothing to do in real time. */
async function settle(kernel: Kernel): Promise<void> {
  for (let turns = 0, before = kernel.activity; turns < TURNS; turns++) {
    await new Promise<void>((resolve) => void realImmediate(resolve))
    if (kernel.activity === before) continue
    before = kernel.activity
    turns = 0
  }
}
