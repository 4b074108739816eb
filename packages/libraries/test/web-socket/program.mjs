/** Opens WebSockets to 12 hosts, to the server at PORT, and prints what came back and how many connections there were. */

import { createClient } from 'unshard'
import { Dispatcher } from 'unshard/undici'
import { createWebSocket, WebSocketStream } from 'unshard/web-socket'

const { PORT, CA, OF = 'unshard' } = process.env
const lookup = (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }])
const client = createClient({ tls: { ca: CA }, lookup })
const dispatcher = new Dispatcher({ client })
const urls = Array.from({ length: 12 }, (_, i) => `wss://h${i}.test.example:${PORT}/`)

function open(url) {
  if (OF === 'unshard') return createWebSocket(client, url)
  return new WebSocket(url, { dispatcher })
}

const next = (socket, type) =>
  new Promise((resolve, reject) => {
    socket.addEventListener(type, resolve, { once: true })
    if (type !== 'close')
      socket.addEventListener('error', (event) => reject(event.error ?? new Error(event.message)), { once: true })
  })

async function talk(url) {
  const socket = open(url)
  socket.binaryType = 'arraybuffer'
  await next(socket, 'open')
  socket.send(url)
  const text = (await next(socket, 'message')).data
  socket.send(new Uint8Array(100_000).fill(7))
  const bytes = new Uint8Array((await next(socket, 'message')).data)
  const closed = next(socket, 'close')
  socket.close(3000, 'done')
  const { code, reason, wasClean } = await closed
  return (
    text === url &&
    bytes.length === 100_000 &&
    bytes.every((byte) => byte === 7) &&
    code === 3000 &&
    reason === 'done' &&
    wasClean
  )
}

// The first alone: the others then find its connection.
const results = [await talk(urls[0]), ...(await Promise.all(urls.slice(1).map(talk)))]

async function stream() {
  const socket = new WebSocketStream(urls[0], { client })
  const { readable, writable } = await socket.opened
  const [reader, writer] = [readable.getReader(), writable.getWriter()]
  await writer.write('streamed')
  const { value } = await reader.read()
  socket.close({ closeCode: 3001 })
  return `${value} ${(await socket.closed).closeCode}`
}

const streamed = await stream()
const { dials } = client.stats().totals
await client.close()
console.log(JSON.stringify({ good: results.filter(Boolean).length, streamed, dials }))
