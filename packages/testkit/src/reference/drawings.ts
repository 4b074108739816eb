/**
 * The drawings of docs/contributing/architecture.md, as Mermaid, from the source itself: the floors and their arrows from core's imports, the
 * two paths of a request from functions that must be there.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

const PACKAGES = fileURLToPath(new URL('../../../', import.meta.url))
const CORE = join(PACKAGES, 'core/src')

/** Rooms of core, top down: imports run from a line to a later one. */
const FLOORS: readonly (readonly string[])[] = [
  ['client'],
  ['pool'],
  ['connect'],
  ['h2', 'h1'],
  ['transport'],
  ['settings'],
  ['message'],
  ['schema'],
  ['runtime'],
  ['errors'],
]

const ROOMS = FLOORS.flat()

/** Rooms that each room imports from. @throws Error for an import that runs up. */
export function importsBetweenRooms(): Map<string, Set<string>> {
  const imports = new Map(ROOMS.map((room) => [room, new Set<string>()]))
  for (const name of readdirSync(CORE, { recursive: true, encoding: 'utf8' })) {
    const path = name.replaceAll('\\', '/')
    const [room = ''] = path.split('/')
    if (!path.endsWith('.ts') || !ROOMS.includes(room)) continue
    for (const [, specifier] of readFileSync(join(CORE, path), 'utf8').matchAll(/(?:from|import\() ?'(\.[^']+)'/g)) {
      const [target = ''] = posix.normalize(posix.join(posix.dirname(path), specifier!)).split('/')
      if (target === room || !ROOMS.includes(target)) continue
      if (floorOf(target) < floorOf(room)) throw new Error(`${path} imports upwards: ${specifier}`)
      imports.get(room)!.add(target)
    }
  }
  return imports
}

function floorOf(room: string): number {
  return FLOORS.findIndex((floor) => floor.includes(room))
}

/** Packages over the rooms of core. Arrows to the two lowest floors are left out. */
export function floorsDrawing(): string[] {
  const lines = ['```mermaid', 'flowchart TD', '  unshard --> adapters --> coalescing --> client', '  subgraph core']
  for (const [room, targets] of importsBetweenRooms()) {
    for (const target of [...targets].sort((a, b) => floorOf(a) - floorOf(b))) {
      if (target === 'errors' || target === 'runtime') continue
      lines.push(`    ${room} --> ${target}`)
    }
  }
  return [...lines, '    runtime', '    errors', '  end', '```']
}

/** A step of a path: the file below packages, a function of it, and what it does. */
type Step = readonly [file: string, name: string, action: string]

const WARM: readonly Step[] = [
  ['adapters/src/fetch/fetch.ts', 'createFetch', 'a Request becomes request options'],
  ['core/src/client/client.ts', 'request', 'checks the request'],
  ['core/src/client/call.ts', '#acquire', 'asks for a connection'],
  ['core/src/pool/pool.ts', 'acquire', 'finds the origin pool'],
  ['core/src/pool/origin-pool.ts', 'pick', 'selects a member with capacity'],
  ['core/src/client/call.ts', '#send', 'sends on its connection'],
  ['core/src/h2/connection.ts', 'request', 'makes an exchange'],
  ['core/src/h2/exchange.ts', 'start', 'opens a stream'],
  ['core/src/h2/protocol/protocol.ts', 'openStream', 'writes HEADERS and DATA'],
  ['core/src/h2/write-scheduler.ts', 'schedule', 'one write per turn'],
]

const COLD: readonly Step[] = [
  ['core/src/pool/pool.ts', 'acquire', 'no capacity: the request is queued'],
  ['core/src/pool/growth.ts', 'grow', 'decides how many connections to dial'],
  ['core/src/pool/dialer.ts', 'obtain', 'resolves, then asks the policy'],
  ['core/src/pool/reuse/reuse-lookup.ts', 'ask', 'use, wait or dial'],
  ['core/src/connect/connector.ts', 'connect', 'dials'],
  ['core/src/connect/tcp/race.ts', 'race', 'connects to one address (RFC 8305)'],
  ['core/src/connect/tls/tls-connector.ts', 'open', 'TLS with ALPN'],
  ['core/src/connect/alpn/negotiate.ts', 'negotiate', 'chooses the engine'],
  ['core/src/pool/reuse/reuse-lookup.ts', 'askAgain', 'a shared connection may have come up'],
  ['core/src/pool/pool.ts', 'onConnected', 'raised by the dialer'],
  ['core/src/pool/connection-registry.ts', 'register', 'keeps the connection'],
  ['core/src/pool/connection-registry.ts', 'attach', 'adds it to the origin pool'],
  ['core/src/client/call.ts', 'onMember', 'the queued request is sent'],
]

function pathDrawing(steps: readonly Step[]): string[] {
  const lines = ['```mermaid', 'flowchart LR']
  for (const [i, [file, name, action]] of steps.entries()) {
    const source = readFileSync(join(PACKAGES, file), 'utf8')
    if (!new RegExp(`(^|[\\s.])(function )?${name}(<|\\()`, 'm').test(source)) throw new Error(`${file} has no function ${name}`)
    const label = `${file.replace(/^core\/src\//, '').replace(/\.ts$/, '')}<br/>${name.replace('#', '')}()<br/><i>${action}</i>`
    lines.push(`  s${i}["${label}"]${i === 0 ? '' : `\n  s${i - 1} --> s${i}`}`)
  }
  return [...lines, '```']
}

/** The path of a request over an open connection. */
export function warmPath(): string[] {
  return pathDrawing(WARM)
}

/** The path of a request that needs a connection. */
export function coldPath(): string[] {
  return pathDrawing(COLD)
}
