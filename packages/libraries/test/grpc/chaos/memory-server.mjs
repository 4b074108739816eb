/** A server of gRPC without TLS for measurements, in a process of its own. Prints its port. */

import http2 from 'node:http2'
import { messageOf } from './plan.mjs'

const FIELDS = { ':status': 200, 'content-type': 'application/grpc' }

function framed(message) {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

/** Messages of 1 kB to 64 kB, each different from the one before. */
export const sizeAt = (i) => 1_024 + ((i * 7_919) % 64_512)

async function sendMany(stream, bytes) {
  let proceed
  for (const event of ['drain', 'close']) stream.on(event, () => proceed?.())
  for (let i = 0, sent = 0; sent < bytes && !stream.destroyed; i++) {
    const message = framed(messageOf(0, i, sizeAt(i)))
    sent += message.length
    if (stream.write(message)) continue
    await new Promise((resolve) => {
      proceed = resolve
    })
  }
  stream.end()
}

function serve() {
  const server = http2.createServer()
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    stream.respond(FIELDS, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    if (headers[':path'].endsWith('/serverStream')) return void sendMany(stream.resume(), Number(headers['x-bytes']))
    stream.on('data', (part) => stream.write(part)).on('end', () => stream.end())
  })
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))
  process.stdin.resume().on('end', () => process.exit())
}

if (process.argv[2] === 'serve') serve()
