/**
 * `pnpm sim:models`: compares models with the real programs that are installed. Exit code 1 with a
 * difference. Models of programs that cannot run here have their sources in
 * docs/contributing/simulation.md.
 */

import { type Credentials, createAuthority } from '@unshard/testkit'
import { MODELS } from '../server/models/all.js'
import * as measure from './measure.js'
import { HOST, OTHER, SERVERS, STREAMED, STRICT, type Start, startLimitedNginx } from './servers.js'

/** Idle times up to this are waited for. */
const LONGEST_IDLE_MS = 11_000
/** A timer of a server may be late, and its clock coarse. */
const IDLE_TOLERANCE_S = 1

interface Row {
  readonly server: string
  readonly property: string
  readonly model: unknown
  readonly real: unknown
}

/** Starts a server for one measurement. */
async function during<Result>(
  start: Start,
  tls: Credentials,
  act: (server: measure.RealServer) => Promise<Result>,
): Promise<Result | undefined> {
  const server = await start(tls)
  if (server === undefined) return undefined
  try {
    return await act(server)
  } finally {
    await server.stop()
  }
}

async function http2Rows(name: string, tls: Credentials): Promise<Row[]> {
  const { h2, unknownHost } = MODELS[name]!
  const start = SERVERS[name]!
  const rows: Row[] = []
  const add = (property: string, model: unknown, real: unknown): void => void rows.push({ server: name, property, model, real })
  await during(start, tls, async (server) => {
    const settings = await measure.announced(server, HOST)
    for (const [property, real] of Object.entries(settings)) add(property, h2![property as keyof typeof h2], real)
    add('credit', h2!.credit, await measure.creditOf(server, HOST, '/upload'))
    add('allows PINGs', h2!.pingIntervalMs === undefined, await measure.allowsPings(server, HOST))
    if (!(name in STRICT)) add('unknown host', unknownHost, await measure.unknownHost(server, HOST, OTHER))
    if (h2!.idleMs !== undefined && h2!.idleMs < LONGEST_IDLE_MS) {
      add('h2 idle, s', h2!.idleMs / 1_000, near(h2!.idleMs / 1_000, await measure.idleSeconds(server, HOST)))
    }
    add('shutdown', h2!.shutdown, await measure.shutdownStyle(server, HOST))
  })
  const strict = STRICT[name]
  if (strict !== undefined && rows.length > 0) {
    add('unknown host', unknownHost, await during(strict, tls, (server) => measure.unknownHost(server, HOST, OTHER)))
  }
  if (name === 'nginx' && rows.length > 0) {
    const real = await during(startLimitedNginx, tls, (server) => measure.maxRequests(server, HOST, 1_100))
    add('requests on a connection', h2!.maxRequests, real)
  }
  return rows
}

async function http1Rows(name: string, tls: Credentials): Promise<Row[]> {
  const { h1 } = MODELS[name]!
  if (h1 === undefined) return []
  const { announces = false, chunks = true, idleMs } = h1
  const isShort = idleMs < LONGEST_IDLE_MS
  const real = await during(SERVERS[name]!, tls, (server) =>
    measure.http1Of(server, HOST, STREAMED, isShort ? LONGEST_IDLE_MS + 1_000 : 0),
  )
  if (real === undefined) return []
  const idle = { server: name, property: 'h1 idle, s', model: idleMs / 1_000, real: near(idleMs / 1_000, real.idleSeconds) }
  return [
    { server: name, property: 'h1 announces its idle time', model: announces, real: real.announces },
    { server: name, property: 'h1 chunks', model: chunks, real: real.chunks },
    ...(isShort ? [idle] : []),
  ]
}

/** The expected time, if the measured one is near it. */
function near(expected: number, measured: number): number {
  return Math.abs(measured - expected) <= IDLE_TOLERANCE_S ? expected : measured
}

const authority = await createAuthority()
const tls = await authority.issue({ names: [HOST, OTHER] })
let differences = 0
let compared = 0
console.log(['server', 'property', 'model', 'real', 'same'].join('\t'))
for (const name of Object.keys(MODELS)) {
  if (SERVERS[name] === undefined) {
    console.log(`${name}\tcannot run here: see docs/contributing/simulation.md`)
    continue
  }
  const rows = [...(await http2Rows(name, tls)), ...(await http1Rows(name, tls))]
  if (rows.length === 0) console.log(`${name}\tis not installed`)
  for (const { server, property, model, real } of rows) {
    compared++
    if (model !== real) differences++
    console.log([server, property, model, real, model === real ? 'yes' : 'NO'].join('\t'))
  }
}
console.log(`${compared - differences} passed, ${differences} failed`)
process.exitCode = differences === 0 ? 0 : 1
