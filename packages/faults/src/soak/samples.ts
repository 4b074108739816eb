/** What a process holds while nothing is under way, taken again and again, and whether it grows. */

import { subscribe } from 'node:diagnostics_channel'
import { readdirSync } from 'node:fs'
import type { Socket } from 'node:net'

export interface Sample {
  /** Octets after garbage collection, buffers included. */
  readonly heap: number
  /** Sockets that this process has opened, and that are not closed. */
  readonly sockets: number
  /** Listeners on them and on the process. */
  readonly listeners: number
  /** Whatever keeps the process alive. */
  readonly handles: number
  /** Open files, sockets among them; 0 where the system does not tell. */
  readonly files: number
}

const NAMES = ['heap', 'sockets', 'listeners', 'handles', 'files'] as const
/** Growth of a median that is forgiven: what the runtime itself learns, and connections that come and go. */
const FORGIVEN: Sample = { heap: 2_097_152, sockets: 4, listeners: 60, handles: 6, files: 8 }
/** And of the heap as a part of what it was. */
const FORGIVEN_PART = 0.1

const opened = new Set<Socket>()
subscribe('net.client.socket', (message) => {
  const { socket } = message as { socket: Socket }
  opened.add(socket)
  socket.once('close', () => opened.delete(socket))
})

/** Takes one. */
export async function sample(): Promise<Sample> {
  // Twice, with a turn between: what finalisers let go of goes in the second round.
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

/** The medians of the first and the last third, a line for each figure, and what has grown. */
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
