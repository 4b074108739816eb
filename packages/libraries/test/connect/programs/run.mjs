/**
 * Runs the cases over every protocol and kind of connection that they are for. Those of one kind run one after the
 * other, and two kinds at the same time, because cases wait for deadlines: each has a server and a client of its own.
 */

import { aborts } from './cases/aborts.mjs'
import { connections } from './cases/connections.mjs'
import { failures } from './cases/failures.mjs'
import { limits } from './cases/limits.mjs'
import { metadata } from './cases/metadata.mjs'
import { streaming } from './cases/streaming.mjs'
import { unary } from './cases/unary.mjs'
import { createWorld } from './world.mjs'

/** Which protocols and connections, as `connect over h2,grpc over h2`, and which names of cases; all by default. */
const { WORLDS, ONLY = '', SPOILED } = process.env
const wanted = new RegExp(ONLY)
const GROUPS = { unary, metadata, failures, streaming, aborts, limits, connections }
/** Milliseconds after which a case has failed. */
const PATIENCE_MS = 60_000
const ALL = [
  ['connect', 'h2'],
  ['connect', 'http/1.1'],
  ['connect', 'shared'],
  ['grpc', 'h2'],
  ['grpc', 'shared'],
  ['grpc-web', 'h2'],
  ['grpc-web', 'http/1.1'],
  ['grpc-web', 'shared'],
]

/** Returns name and outcome of each case. With `SPOILED`, a case that fails is added. */
export async function runCases() {
  const results = []
  process.on('unhandledRejection', (error) => results.push({ name: 'unhandled rejection', passed: false, error: error.stack }))
  const chosen = WORLDS?.split(',')
  const worlds = ALL.filter(([protocol, http]) => chosen?.includes(`${protocol} over ${http}`) ?? true)
  const runInTurn = async () => {
    for (let next = worlds.shift(); next !== undefined; next = worlds.shift()) await runWorld(...next, results)
  }
  await Promise.all([runInTurn(), runInTurn()])
  if (SPOILED !== undefined) results.push(await outcomeOf('spoiled', async () => assertSpoiled()))
  return results
}

async function runWorld(protocol, http, results) {
  const world = await createWorld(protocol, http)
  const prefix = `${protocol} over ${http}: `
  for (const [group, cases] of Object.entries(GROUPS)) {
    for (const [title, run] of Object.entries(cases(world))) {
      const name = `${prefix}${group}: ${title}`
      if (wanted.test(name)) results.push(await outcomeOf(name, run))
    }
  }
  // Everything but the cases that open connections of their own went over one.
  if (http === 'shared') results.push(await outcomeOf(`${prefix}one connection is shared`, async () => shared(world)))
  await world.close()
}

function shared({ client }) {
  const { connections, totals } = client.stats()
  if (totals.dials !== 1) throw new Error(`${totals.dials} connections were opened, ${connections.length} are open`)
}

function assertSpoiled() {
  throw new Error('a case that fails')
}

async function outcomeOf(name, run) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over after ${PATIENCE_MS} ms`)), PATIENCE_MS)
  })
  try {
    await Promise.race([run(), late])
    return { name, passed: true }
  } catch (error) {
    return { name, passed: false, error: error.stack }
  } finally {
    clearTimeout(timer)
  }
}
