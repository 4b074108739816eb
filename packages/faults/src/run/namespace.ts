/** Network namespaces (`ip netns`), one for each worker that takes packets away from itself. */

import { spawnSync } from 'node:child_process'

const made: string[] = []

function ip(...args: readonly string[]): boolean {
  return spawnSync('ip', args, { stdio: 'ignore' }).status === 0
}

/** Why there can be none, or that lacks a program; `undefined` where there can. */
export function namespaceLacks(programs: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return 'not root'
  for (const program of ['ip', ...programs]) {
    const asked = spawnSync(program, [program === 'nft' ? '--version' : '-V'], { stdio: 'ignore' })
    if (asked.error !== undefined) return `no program ${program}`
  }
  return checked()
}

let verdict: string | undefined | false = false

/** Whether a namespace can be made, asked once. */
function checked(): string | undefined {
  if (verdict === false) {
    const name = `unshard-${process.pid}-try`
    verdict = ip('netns', 'add', name) ? undefined : 'no network namespaces'
    ip('netns', 'del', name)
  }
  return verdict
}

/** Makes one with a loopback link of Ethernet's packet size, and returns what runs a command in it. */
export function newNamespace(): readonly string[] {
  const name = `unshard-${process.pid}-${made.length}`
  if (!ip('netns', 'add', name)) throw new Error(`no namespace ${name}`)
  made.push(name)
  const inside = ['ip', 'netns', 'exec', name]
  for (const args of [['up'], ['mtu', '1500']]) {
    spawnSync('ip', ['netns', 'exec', name, 'ip', 'link', 'set', 'lo', ...args], { stdio: 'ignore' })
  }
  return inside
}

/** Takes them away again. */
export function deleteNamespaces(): void {
  for (const name of made.splice(0)) ip('netns', 'del', name)
}
