/** Network namespaces (`ip netns`), one per worker that drops its own packets. */

import { spawnSync } from 'node:child_process'

const made: string[] = []

function ip(...args: readonly string[]): boolean {
  return spawnSync('ip', args, { stdio: 'ignore' }).status === 0
}

/** Commands that show whether the kernel supports what a program needs. */
const TRIALS: Readonly<Record<string, { readonly args: readonly string[]; readonly input?: string }>> = {
  ip: { args: ['route', 'add', 'unreachable', '192.0.2.1'] },
  nft: {
    args: ['-f', '-'],
    input: `add table inet try
add chain inet try out { type filter hook output priority 0; policy accept; }
add rule inet try out tcp sport 1 numgen random mod 100 < 1 drop
`,
  },
  tc: { args: ['qdisc', 'add', 'dev', 'lo', 'root', 'tbf', 'rate', '1mbit', 'burst', '1600', 'limit', '1mb'] },
}

/** Returns why cells that need these programs cannot be run here; `undefined` if they can. */
export function namespaceLacks(programs: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return 'not root'
  for (const program of ['ip', ...programs]) {
    const why = lacking(program)
    if (why !== undefined) return why
  }
  return undefined
}

const verdicts = new Map<string, string | undefined>()

/** Each program is checked once. */
function lacking(program: string): string | undefined {
  if (!verdicts.has(program)) verdicts.set(program, tryOut(program))
  return verdicts.get(program)
}

function tryOut(program: string): string | undefined {
  if (spawnSync(program, ['-V'], { stdio: 'ignore' }).error !== undefined) return `program ${program} is missing`
  const name = `unshard-${process.pid}-try`
  if (!ip('netns', 'add', name)) return 'no network namespaces'
  const inside = (args: readonly string[], input?: string): boolean =>
    spawnSync('ip', ['netns', 'exec', name, ...args], { stdio: ['pipe', 'ignore', 'ignore'], input }).status === 0
  const { args, input } = TRIALS[program]!
  const fine = inside(['ip', 'link', 'set', 'lo', 'up']) && inside([program, ...args], input)
  ip('netns', 'del', name)
  return fine ? undefined : `no ${program} in network namespaces`
}

/**
 * Creates a namespace with a loopback link of Ethernet's packet size, and returns the command that
 * runs a program in it.
 */
export function newNamespace(): readonly string[] {
  const name = `unshard-${process.pid}-${made.length}`
  if (!ip('netns', 'add', name)) throw new Error(`network namespace ${name} could not be created`)
  made.push(name)
  const inside = ['ip', 'netns', 'exec', name]
  for (const args of [['up'], ['mtu', '1500']]) {
    spawnSync('ip', ['netns', 'exec', name, 'ip', 'link', 'set', 'lo', ...args], { stdio: 'ignore' })
  }
  return inside
}

/** Deletes all created namespaces. */
export function deleteNamespaces(): void {
  for (const name of made.splice(0)) ip('netns', 'del', name)
}
