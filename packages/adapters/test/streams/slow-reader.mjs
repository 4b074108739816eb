// Reads a response more slowly than it is sent, and prints the memory used above the baseline.
import { Writable } from 'node:stream'
import { Client } from '../../../core/dist/index.js'
import { openDuplex, pipeline, pull } from '../../dist/streams/index.js'

const [way, protocol, url] = process.argv.slice(2)
const client = new Client({ protocols: [protocol], tls: { rejectUnauthorized: false } })
let bytes = 0
let resident = 0
let used = 0
let parts = 0
// Code loaded and compiled by the first request does not count as memory of the content.
await (await client.request({ url, method: 'HEAD' })).bytes().catch(() => undefined)
globalThis.gc()
const base = process.memoryUsage()

/** A turn of the event loop for each part: the sender is several times as fast. */
async function read(part) {
  bytes += part.length
  if (++parts % 16 === 0) {
    const now = process.memoryUsage()
    resident = Math.max(resident, now.rss - base.rss)
    used = Math.max(used, now.heapUsed + now.external - base.heapUsed - base.external)
  }
  await new Promise((resolve) => setImmediate(resolve))
}

if (way === 'pull') {
  for await (const event of pull(client, { url })) if (event.type === 'data') await read(event.data)
} else if (way === 'duplex') {
  const { duplex } = openDuplex(client, { url })
  duplex.end()
  for await (const part of duplex) await read(part)
} else {
  const sink = new Writable({ write: (part, _encoding, done) => void read(part).then(() => done(), done) })
  await pipeline(client, { url, method: 'GET' }, '', sink)
}
console.log(JSON.stringify({ bytes, used, resident }))
client.destroy()
