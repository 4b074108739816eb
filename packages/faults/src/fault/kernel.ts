/**
 * F04, F05, F07, F19 and F24: faults that need the kernel, on the loopback link of a network
 * namespace of the worker.
 */

import { spawnSync } from 'node:child_process'
import { LOCAL } from '../cell/lookup.js'
import type { Phase } from '../phases.js'
import { pick } from '../random.js'
import type { Fault, Scene } from './fault.js'
import { SLOW_SIZE } from './fault.js'

const TABLE = 'inet fault'

/** @throws Error with the output of the program. */
function run(program: string, args: readonly string[], input?: string): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8', input })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`)
}

function rules(...lines: readonly string[]): void {
  const chain = `add table ${TABLE}\nadd chain ${TABLE} out { type filter hook output priority 0; policy accept; }\n`
  run('nft', ['-f', '-'], chain + lines.map((line) => `add rule ${TABLE} out ${line} drop\n`).join(''))
}

/** Drops the packets to and from a port, or only those from it. */
export function drop(port: number, way: 'both' | 'fromServer'): void {
  rules(`tcp sport ${port}`, ...(way === 'both' ? [`tcp dport ${port}`] : []))
}

export function undrop(): void {
  run('nft', ['delete', 'table', ...TABLE.split(' ')])
}

const nft = (): readonly string[] => ['nft']

export const oneWay: Fault = {
  says: "one-way black hole: the server's packets are lost, including its acknowledgments",
  kernel: nft,
  apply: ({ fixture }) => drop(fixture.proxy.port, 'fromServer'),
  lift: undrop,
}

export const loss: Fault = {
  says: 'random loss, 1, 5 or 20 %',
  kernel: nft,
  realClock: true,
  size: SLOW_SIZE,
  apply({ fixture, random }) {
    const lost = `numgen random mod 100 < ${pick(random, [1, 5, 20])}`
    rules(`tcp sport ${fixture.proxy.port} ${lost}`, `tcp dport ${fixture.proxy.port} ${lost}`)
  },
  lift: undrop,
}

/** Before the handshake, 8 kbit/s would only test the certificate. */
const EARLY: ReadonlySet<Phase> = new Set(['dial', 'tls'])

export const bandwidth: Fault = {
  says: 'bandwidth, 8 kbit/s to 10 Mbit/s',
  kernel: () => ['tc'],
  realClock: true,
  size: 3_000,
  apply({ phase, random }) {
    const rate = pick(random, EARLY.has(phase) ? ['64kbit', '1mbit', '10mbit'] : ['8kbit', '256kbit', '10mbit'])
    run('tc', ['qdisc', 'add', 'dev', 'lo', 'root', 'tbf', 'rate', rate, 'burst', '1600', 'limit', '1mb'])
  },
  lift: () => run('tc', ['qdisc', 'del', 'dev', 'lo', 'root']),
}

/** Addresses of TEST-NET-1 (RFC 5737), which are not in use. */
const [UNREACHABLE, SILENT] = ['192.0.2.1', '192.0.2.2']

export const deadAddress: Fault = {
  says: 'one of several addresses is dead',
  kernel: () => ['nft', 'ip'],
  // The next address is tried after a quarter of a second, so time has to pass.
  realClock: true,
  apply({ fixture, variant }) {
    run('ip', ['route', 'add', 'unreachable', UNREACHABLE])
    // Packets go to the loopback link and are dropped there.
    run('ip', ['route', 'add', SILENT, 'dev', 'lo'])
    rules(`ip daddr ${SILENT}`)
    const dead = { address: variant === 'silent' ? SILENT : UNREACHABLE, family: 4 }
    const [live] = LOCAL
    fixture.names.answer = variant === 'all' ? [dead, { address: UNREACHABLE, family: 4 }] : [dead, live!]
  },
  lift({ fixture }) {
    fixture.names.answer = LOCAL
    for (const address of [UNREACHABLE, SILENT]) run('ip', ['route', 'del', address])
    undrop()
  },
  client: { lookupTtlMs: 0 },
}

const LOOPBACK = '127.0.0.1/8'

function take({ variant }: Scene): void {
  if (variant === 'address') run('ip', ['addr', 'del', LOOPBACK, 'dev', 'lo'])
  else run('ip', ['link', 'set', 'lo', 'down'])
}

function give({ variant }: Scene): void {
  if (variant === 'address') run('ip', ['addr', 'add', LOOPBACK, 'dev', 'lo'])
  else run('ip', ['link', 'set', 'lo', 'up'])
}

export const linkDown: Fault = {
  says: 'the link goes down and comes back, or loses its address',
  kernel: () => ['ip'],
  apply: take,
  // Comes back before any deadline.
  during: (scene) => (scene.variant === 'back' ? give(scene) : undefined),
  lift: (scene) => (scene.variant === 'back' ? undefined : give(scene)),
}
