/** Makes a failing script small: whatever can be left out while the same rule is still broken is left out. */

import { realTime } from '../kernel/builtins.js'
import type { Finding } from '../ledger/ledger.js'
import type { MachineScript, RequestScript, WorldScript } from '../script/script.js'
import { findingsIn } from './batch.js'

/** Large worlds take long to become small. */
const LIMIT_MS = 240_000

type Fails = (candidate: WorldScript) => Promise<boolean>

/** @param finding what the script leads to: the same rule is broken, with the same error. */
export function shrink(script: WorldScript, finding: Finding): Promise<WorldScript> {
  const signature = signatureOf(finding)
  return shrinkWhile(script, async (candidate) => {
    try {
      return (await findingsIn(candidate)).some((each) => signatureOf(each) === signature)
    } catch {
      return false
    }
  })
}

/**
 * @param stillFails whether a smaller script still shows the finding.
 * @param limitMs real time after which the smallest script so far is returned.
 */
export async function shrinkWhile(script: WorldScript, stillFails: Fails, limitMs: number = LIMIT_MS): Promise<WorldScript> {
  const endsAt = realTime() + limitMs
  const fails: Fails = async (candidate) => realTime() < endsAt && stillFails(candidate)
  let smallest = script
  for (let before = Number.POSITIVE_INFINITY; sizeOf(smallest) < before; ) {
    before = sizeOf(smallest)
    smallest = await withFewer(smallest, 'faults', fails)
    smallest = await withFewer(smallest, 'requests', fails)
    smallest = await withFewer(smallest, 'names', fails)
    smallest = await withFewer(smallest, 'machines', fails)
    for (const step of simpler(smallest)) if (await fails(step(smallest))) smallest = step(smallest)
  }
  return smallest
}

/** The rule, and the code or the status that its text names. */
function signatureOf({ rule, text }: Finding): string {
  return `${rule} ${/\bE[A-Z_]{4,}\b|\bwith \d{3}\b/.exec(text)?.[0] ?? ''}`
}

function sizeOf(script: WorldScript): number {
  return JSON.stringify(script).length
}

/** Leaves out elements of a list: halves, then quarters, down to single ones. */
async function withFewer(
  script: WorldScript,
  member: 'faults' | 'requests' | 'names' | 'machines',
  fails: Fails,
): Promise<WorldScript> {
  let list: readonly unknown[] = script[member]
  for (let size = Math.ceil(list.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < list.length; ) {
      const fewer = [...list.slice(0, at), ...list.slice(at + size)]
      if (await fails({ ...script, [member]: fewer })) list = fewer
      else at += size
    }
  }
  return { ...script, [member]: list }
}

type Step = (script: WorldScript) => WorldScript

/** Changes that make a script simpler, each for itself. */
function* simpler({ machines, requests, client, names }: WorldScript): Iterable<Step> {
  yield (script) => without(script, 'proxy')
  yield (script) => ({ ...script, client: without(script.client, 'renewedAt') })
  for (const option of Object.keys(client.options)) {
    yield (script) => ({ ...script, client: { ...script.client, options: without(script.client.options, option) } })
  }
  for (const [index, machine] of machines.entries()) {
    for (const member of ['jitterMs', 'loss', 'bandwidth', 'sliceBytes', 'nat'] as const) {
      if (machine[member] !== undefined) yield (script) => changed(script, 'machines', index, (each) => without(each, member))
    }
    for (let server = 1; server < machine.servers.length; server++) {
      yield (script) =>
        changed(script, 'machines', index, (each): MachineScript => ({ ...each, servers: each.servers.slice(0, 1) }))
    }
  }
  for (const [index, { addresses }] of names.entries()) {
    for (const address of addresses) {
      yield (script) =>
        changed(script, 'names', index, (each) => ({ ...each, addresses: each.addresses.filter((other) => other !== address) }))
    }
    for (const member of ['ttl', 'rotates'] as const)
      yield (script) => changed(script, 'names', index, (each) => without(each, member))
  }
  if (requests.length > 40) return
  for (const index of requests.keys()) {
    for (const member of [
      'abortAfterMs',
      'totalMs',
      'headersMs',
      'isolation',
      'reader',
      'parts',
      'everyMs',
      'upload',
      'keyed',
    ] as const) {
      yield (script) => changed(script, 'requests', index, (each): RequestScript => without(each, member))
    }
    yield (script) => changed(script, 'requests', index, (each) => ({ ...each, bytes: 1 }))
    yield (script) => changed(script, 'requests', index, (each) => ({ ...each, thinkMs: 1 }))
  }
}

function without<Of extends object>(object: Of, member: string): Of {
  const { [member]: _, ...others } = object as Record<string, unknown>
  return others as Of
}

function changed<Member extends 'machines' | 'requests' | 'names'>(
  script: WorldScript,
  member: Member,
  index: number,
  change: (each: WorldScript[Member][number]) => WorldScript[Member][number],
): WorldScript {
  return { ...script, [member]: script[member].map((each, at) => (at === index ? change(each) : each)) }
}
