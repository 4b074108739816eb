/** The program that `live.ts` follows: 100 requests per second, to several hosts of one server. */

import { createClient } from 'unshard'
import { inspect } from 'unshard/inspect'

/** First message to this process. */
export interface ProgramTask {
  readonly port: number
}

/** Answer to each later message. */
export interface ProgramReport {
  readonly requests: number
  /** After a collection. */
  readonly heapBytes: number
}

/** Requests per second. */
const RATE = 100
const TICK_MS = 20
const HOSTS = 6

process.once('message', (task: ProgramTask) => {
  run(task).catch((error: unknown) => {
    console.error(error)
    process.exit(1)
  })
})

async function run({ port }: ProgramTask): Promise<void> {
  const client = createClient({
    cleartextProtocol: 'h2',
    lookup: (_host, options, callback) => {
      if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }])
      else callback(null, '127.0.0.1', 4)
    },
  })
  const { url } = await inspect()
  let requests = 0
  const send = async (): Promise<void> => {
    const host = `host${requests++ % HOSTS}.example`
    await (await client.get(`http://${host}:${port}/json?number=${requests}`)).text()
  }
  const startedAt = performance.now()
  setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * RATE)
    while (requests < due) send().catch((error: unknown) => console.error(error))
  }, TICK_MS)
  process.on('message', () => {
    globalThis.gc!()
    process.send!({ requests, heapBytes: process.memoryUsage().heapUsed } satisfies ProgramReport)
  })
  process.send!({ url })
}
