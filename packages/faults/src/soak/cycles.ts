/**
 * The two fixed runs: aborts on one connection, and connections that receive GOAWAY. Neither may
 * leak memory.
 */

import { Client } from '@unshard/core'
import { type Authority, frames, staticLookup } from '@unshard/testkit'
import { startPlainPeer } from './plain-peer.js'
import { type Sample, sample } from './samples.js'

/** Samples per run. The first follows a warm-up of the same length. */
const SAMPLES = 12
/** Parallel requests. */
const BATCH = 100

export interface CycleResult {
  readonly samples: readonly Sample[]
  readonly summary: string
  readonly problems: readonly string[]
}

const HOST = 'a.test.example'

function newClient({ ca }: Authority): Client {
  return new Client({ tls: { ca }, lookup: staticLookup({ [HOST]: '127.0.0.1' }) })
}

/**
 * Sends `count` requests and aborts each when the server has it. The client holds their slots until
 * a PING is acknowledged.
 */
export async function abortMany(count: number, authority: Authority): Promise<CycleResult> {
  let [opened, reset] = [0, 0]
  let wake = (): void => undefined
  const peer = await startPlainPeer(await authority.issue({ names: [HOST] }), ({ typeName, streamId }, socket) => {
    if (typeName === 'HEADERS') opened++
    // Abort half of them while they are read. A server that never responds gets no PING and costs a
    // second per batch.
    if (typeName === 'HEADERS' && streamId % 4 === 1) socket.write(frames.headers(streamId, [[':status', '200']]))
    if (typeName === 'RST_STREAM') reset++
    wake()
  })
  const client = newClient(authority)
  const [samples, problems]: [Sample[], string[]] = [[], []]
  const every = Math.ceil(count / BATCH / SAMPLES)
  for (let done = 0, batch = 0; done < count; done += BATCH, batch++) {
    const arrived = new Promise<void>((resolve) => {
      wake = () => (opened >= done + BATCH ? resolve() : undefined)
    })
    const aborts = Array.from({ length: BATCH }, () => new AbortController())
    const answers = aborts.map(({ signal }) => client.request({ url: `https://${HOST}:${peer.port}/`, signal }))
    const settled = Promise.allSettled(answers.map(async (answer) => (await answer).text()))
    await Promise.all([arrived, Promise.race(answers)])
    for (const abort of aborts) abort.abort('enough')
    for (const each of await settled) {
      if (each.status !== 'rejected' || each.reason !== 'enough') problems.push(`not aborted: ${JSON.stringify(each)}`)
    }
    if (batch > 0 && batch % every === 0) samples.push(await sample())
  }
  const { dials } = client.stats().totals
  if (dials !== 1) problems.push(`${dials} connections, not 1`)
  await client.close()
  await peer.close()
  return { samples, problems, summary: `${opened} requests, ${reset} RST_STREAM, ${dials} connection` }
}

const INTERNAL_ERROR = 2
const MAX_STREAM_ID = 0x7fff_ffff

/**
 * Opens `count` connections: each answers one request and sends GOAWAY in one of three ways; one
 * more request is refused and uses another connection.
 */
export async function goawayMany(count: number, authority: Authority): Promise<CycleResult> {
  const peer = await startPlainPeer(await authority.issue({ names: [HOST] }), ({ typeName, streamId }, socket, connection) => {
    if (typeName !== 'HEADERS') return
    if (streamId > 1) return
    const goodbye = [
      [frames.goaway(MAX_STREAM_ID), frames.goaway(1)],
      [frames.goaway(1, INTERNAL_ERROR, 'enough')],
      [frames.goaway(1)],
    ][connection % 3]!
    socket.end(Buffer.concat([...goodbye, frames.headers(1, [[':status', '204']], { endStream: true })]))
  })
  const client = newClient(authority)
  const [samples, problems]: [Sample[], string[]] = [[], []]
  const every = Math.ceil(count / SAMPLES)
  let answers = 0
  for (let cycle = 0; client.stats().totals.dials < count; cycle++) {
    // Both at once: the second stream is above the last stream of GOAWAY. Includes content, since
    // it was not processed.
    const url = `https://${HOST}:${peer.port}/`
    const both = await Promise.allSettled([client.request({ url }), client.request({ url, method: 'POST', body: 'x' })])
    for (const each of both) {
      if (each.status === 'fulfilled' && each.value.status === 204) answers++
      else problems.push(`no response: ${String((each as PromiseRejectedResult).reason)}`)
    }
    if (cycle > 0 && cycle % Math.ceil(every / 2) === 0) samples.push(await sample())
  }
  const { dials, replayed } = client.stats().totals
  await client.close()
  await peer.close()
  return { samples, problems, summary: `${answers} responses over ${dials} connections, ${replayed} requests sent again` }
}
