/** Samples the resources of an idle process and detects growth. */

import { subscribe } from 'node:diagnostics_channel'
import { readdirSync } from 'node:fs'
import type { Socket } from 'node:net'

export interface Sample {
  /** Bytes after garbage collection, including buffers. */
  readonly heap: number
  /** Open sockets of this process. */
  readonly sockets: number
  /** Listeners on those sockets and on the process. */
  readonly listeners: number
  /** Handles that keep the process alive. */
  readonly handles: number
  /** Open files, including sockets; 0 if the system does not report them. */
  readonly files: number
}

const NAMES = ['heap', 'sockets', 'listeners', 'handles', 'files'] as const
/** Tolerated growth of a median: warm-up of the runtime, and connections that come and go. */
const FORGIVEN: Sample = { heap: 2_097_152, sockets: 4, listeners: 60, handles: 6, files: 8 }
/** Tolerated growth of the heap relative to its first median. */
const FORGIVEN_PART = 0.1

const opened = new Set<Socket>()
subscribe('net.client.socket', (message) => {
  const { socket } = message as { socket: Socket }
  opened.add(socket)
  socket.once('close', () => opened.delete(socket))
})

/** Takes one sample. */
export async function sample(): Promise<Sample> {
  // Twice, with a turn in between: objects released by finalizers are collected in the second
  // round.
  for (let round = 0; round < 2; round++) {
    await new Promise(setImmediate)
    globalThis.gc?.()
  }
  const { heapUsed, external } = process.memoryUsage()
  return {
    heap: heapUsed + external,
    sockets: opened.size,
    listeners: listenersOf(process) + [...opened].reduce((all, socket) => all + listenersOf(socket), 0),
    handles: process.getActiveResourcesInfo().length,
    files: openFiles(),
  }
}

function listenersOf(emitter: NodeJS.EventEmitter): number {
  return emitter.eventNames().reduce((all, name) => all + emitter.listenerCount(name), 0)
}

function openFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return 0
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

/**
 * Compares the medians of the first and the last third: one line per figure, and the figures that
 * have grown.
 */
export function compare(samples: readonly Sample[]): { readonly lines: string[]; readonly grown: string[] } {
  const third = Math.max(1, Math.floor(samples.length / 3))
  const [lines, grown]: [string[], string[]] = [[], []]
  for (const name of NAMES) {
    const first = median(samples.slice(0, third).map((each) => each[name]))
    const last = median(samples.slice(-third).map((each) => each[name]))
    const forgiven = Math.max(FORGIVEN[name], name === 'heap' ? first * FORGIVEN_PART : 0)
    lines.push(`${name.padStart(10)}: ${figure(name, first)} → ${figure(name, last)}`)
    if (last - first > forgiven) grown.push(`${name} has grown from ${figure(name, first)} to ${figure(name, last)}`)
  }
  return { lines, grown }
}

function figure(name: (typeof NAMES)[number], value: number): string {
  return name === 'heap' ? `${(value / 1_048_576).toFixed(2)} MiB` : `${value}`
}
