/**
 * Assigns cores to servers and clients, and pins commands to them. Linux with `taskset`; elsewhere
 * nothing is pinned.
 */

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface Cores {
  readonly server: number
  readonly client: number
}

/**
 * Returns two of the cores that this process may use; undefined without two cores or without
 * `taskset`.
 */
export function chooseCores(): Cores | undefined {
  if (spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status !== 0) return undefined
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readText('/proc/self/status'))?.[1] ?? ''
  const [server, ...others] = parseCpuList(list)
  if (server === undefined || others.length === 0) return undefined
  // Two threads of one core share its units: use another core if possible.
  const siblings = new Set(parseCpuList(readText(`/sys/devices/system/cpu/cpu${server}/topology/thread_siblings_list`).trim()))
  return { server, client: others.find((core) => !siblings.has(core)) ?? others[0]! }
}

/** Parses a list: `0-2,5` is 0, 1, 2, 5. */
export function parseCpuList(list: string): number[] {
  return list.split(',').flatMap((range) => {
    if (!/^\d+(-\d+)?$/.test(range)) return []
    const [first, last = first] = range.split('-').map(Number) as [number, number?]
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}

/** Returns the command line that runs `command` on that core. */
export function pinned(core: number | undefined, command: readonly [string, ...string[]]): readonly [string, ...string[]] {
  return core === undefined ? command : ['taskset', '--cpu-list', String(core), ...command]
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
