/** `pnpm bench stream-100m`: a body of 100 MB read as a stream, each time in a fresh process. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe } from '../load.js'
import { nextMessage, startScript } from '../processes.js'
import type { RunContext, ScenarioReport } from '../report.js'
import { BUILT_IN, OURS, openers, UNDICI } from './competitors.js'
import { describeStream, type StreamResult, streamClaims, streamResult } from './figures.js'
import type { StreamAssignment, StreamServers, StreamTurn } from './task.js'

const SERVERS_TIMEOUT_MS = 30_000
const TURN_TIMEOUT_MS = 60_000
const TITLE = 'a body of 100 MB read with `for await`, one request'

export async function runStream(context: RunContext): Promise<ScenarioReport> {
  const { cores, ownServer, folder } = context
  const child = startScript('stream/server.js', { core: cores?.server, args: ownServer ? ['own'] : [] })
  try {
    const servers = await nextMessage<StreamServers>(child, SERVERS_TIMEOUT_MS)
    const caFile = join(folder, 'stream-ca.pem')
    writeFileSync(caFile, servers.ca)
    return await measureAll(context, servers, caFile)
  } finally {
    if (child.connected) child.disconnect()
  }
}

async function measureAll(context: RunContext, servers: StreamServers, caFile: string): Promise<ScenarioReport> {
  const names = [...openers.keys()].filter((name) => name !== BUILT_IN || servers.http1 !== undefined)
  const turns = new Map<string, StreamTurn[]>(names.map((name) => [name, []]))
  for (let round = 1; round <= context.rounds; round++) {
    for (const name of names) {
      const turn = await takeTurn(name, servers, context, caFile)
      turns.get(name)!.push(turn)
      const summary = turn.firstError ?? `${turn.ms.toFixed(0)} ms`
      context.report(`stream-100m ${round}/${context.rounds}: ${name} ${summary}`)
    }
  }
  const results = names.map((name) => streamResult(name, serverOf(name, servers).name, turns.get(name)!))
  const find = (name: string): StreamResult => results.find((result) => result.name === name)!
  const claims = streamClaims(find(OURS), find(UNDICI))
  return {
    json: { name: 'stream-100m', title: TITLE, results, claims } as { name: string },
    text: `stream-100m: ${TITLE}\n\n${describeStream(results, claims)}`,
    errors: results.reduce((sum, { errors }) => sum + errors, 0),
  }
}

function serverOf(name: string, { h2, http1 }: StreamServers): StreamServers['h2'] {
  return name === BUILT_IN ? http1! : h2
}

async function takeTurn(competitor: string, servers: StreamServers, { cores }: RunContext, caFile: string): Promise<StreamTurn> {
  const options = { core: cores?.client, nodeOptions: ['--expose-gc'], env: { NODE_EXTRA_CA_CERTS: caFile } }
  const child = startScript('stream/child.js', options)
  const exit = new Promise((resolve) => {
    child.once('close', resolve).once('error', resolve)
  })
  try {
    const origin = `https://127.0.0.1:${serverOf(competitor, servers).port}`
    child.send({ competitor, origin, ca: servers.ca } satisfies StreamAssignment)
    return await nextMessage<StreamTurn>(child, TURN_TIMEOUT_MS)
  } catch (error) {
    return { ms: Number.NaN, cpuMs: Number.NaN, peakBytes: Number.NaN, errors: 1, firstError: describe(error) }
  } finally {
    // The next process gets the core for itself.
    await exit
  }
}
