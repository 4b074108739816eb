/** Server process: `@grpc/grpc-js`, and nghttpd with one stream as its document, over TLS. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Server, ServerCredentials, type ServerUnaryCall, type ServerWritableStream, type sendUnaryData } from '@grpc/grpc-js'
import { createAuthority, startNghttpd } from '@unshard/testkit'
import { EXTENSION, FAST_STREAM, STREAM, UNARY } from './service.js'
import { type GrpcServerPort, MESSAGE_BYTES, MESSAGES } from './task.js'

const message = Buffer.alloc(MESSAGE_BYTES, 'unsharded ')
const authority = await createAuthority()
const tls = await authority.issue({ names: ['localhost'], ips: ['127.0.0.1'] })
const server = new Server()

server.addService(
  { unary: UNARY, stream: STREAM },
  {
    unary: (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => done(null, call.request),
    stream(call: ServerWritableStream<Buffer, Buffer>) {
      let left = MESSAGES
      const fill = (): void => {
        while (left > 0) {
          left--
          if (!call.write(message)) return void call.once('drain', fill)
        }
        call.end()
      }
      fill()
    },
  },
)

/** Starts nghttpd, which sends the messages in DATA frames of 16 kB. */
async function startFast(folder: string): ReturnType<typeof startNghttpd> {
  const path = join(folder, 'documents', FAST_STREAM.path)
  mkdirSync(join(path, '..'), { recursive: true })
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  const framed = Buffer.concat([prefix, message])
  writeFileSync(path, Buffer.alloc(framed.length * MESSAGES, framed))
  const types = join(folder, 'mime.types')
  writeFileSync(types, `application/grpc ${EXTENSION}\n`)
  const flags = [`--mime-types-file=${types}`, '--trailer=grpc-status: 0']
  return startNghttpd({ tls, docroot: join(folder, 'documents'), flags })
}

const fast = await startFast(process.argv[2]!)
const pair = { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.cert) }
server.bindAsync('127.0.0.1:0', ServerCredentials.createSsl(null, [pair]), (error, port) => {
  if (error !== null) throw error
  process.send!({ ca: authority.ca, port, fastPort: fast?.port } satisfies GrpcServerPort)
})
process.once('disconnect', () => void Promise.resolve(fast?.stop()).finally(() => process.exit()))
