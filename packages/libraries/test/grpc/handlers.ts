/** The methods of the service: what a call does follows from its first message. */

import {
  Metadata,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'

type Done = sendUnaryData<Buffer>

/** Special characters of the interop tests of gRPC: tab, CR, LF, not ASCII, a percent sign. */
export const SPECIAL = '\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈 100%\t\n'

/** What the server has seen. */
export interface Seen {
  readonly cancelled: string[]
  readonly deadlines: (Date | number)[]
  /** Messages that streams have written. */
  written: number
}

/** Returns handlers, and what they see. */
export function handlers(): { readonly seen: Seen; readonly handlers: Record<string, unknown> } {
  const seen: Seen = { cancelled: [], deadlines: [], written: 0 }
  return {
    seen,
    handlers: {
      unary(call: ServerUnaryCall<Buffer, Buffer>, done: Done) {
        const text = call.request.toString('utf8', 0, 40)
        seen.deadlines.push(call.getDeadline())
        call.on('cancelled', () => seen.cancelled.push(text))
        answerUnary(text, call, done)
      },
      serverStream(call: ServerWritableStream<Buffer, Buffer>) {
        call.on('cancelled', () => seen.cancelled.push(call.request.toString()))
        answerStream(call, seen)
      },
      clientStream(call: ServerReadableStream<Buffer, Buffer>, done: Done) {
        let bytes = 0
        call.on('cancelled', () => seen.cancelled.push('clientStream'))
        call.on('data', (message: Buffer) => {
          bytes += message.length
          if (message.toString() === 'refuse') done({ code: status.FAILED_PRECONDITION, details: 'enough' })
        })
        call.on('end', () => done(null, Buffer.from(String(bytes))))
      },
      bidi(call: ServerDuplexStream<Buffer, Buffer>) {
        call.on('cancelled', () => seen.cancelled.push('bidi'))
        call.on('data', (message: Buffer) => call.write(message))
        call.on('end', () => call.end())
      },
    },
  }
}

function answerUnary(text: string, call: ServerUnaryCall<Buffer, Buffer>, done: Done): void {
  if (text === 'waits') return
  if (text === 'special') return done({ code: status.UNKNOWN, details: SPECIAL })
  if (text === 'details') {
    const metadata = new Metadata()
    metadata.set('reason', 'none')
    metadata.set('grpc-status-details-bin', Buffer.from([1, 2, 3]))
    return done({ code: status.NOT_FOUND, details: 'no such thing', metadata })
  }
  if (text === 'metadata') {
    const initial = new Metadata()
    for (const value of call.metadata.get('x-initial')) initial.add('x-initial', value)
    for (const value of call.metadata.get('x-initial-bin')) initial.add('x-initial-bin', value)
    call.sendMetadata(initial)
    const trailing = new Metadata()
    for (const value of call.metadata.get('x-trailing-bin')) trailing.add('x-trailing-bin', value)
    return done(null, Buffer.from('done'), trailing)
  }
  if (text.startsWith('large ')) return done(null, Buffer.alloc(Number(text.slice(6)), 7))
  done(null, call.request)
}

function answerStream(call: ServerWritableStream<Buffer, Buffer>, seen: Seen): void {
  const [what, count] = call.request.toString().split(' ')
  if (what === 'waits') {
    call.write(Buffer.from('first'))
    return
  }
  let i = 0
  const fill = (): void => {
    while (i < Number(count)) {
      seen.written++
      if (!call.write(Buffer.from(`${i++}`.padEnd(what === 'wide' ? 65_536 : 1)))) return void call.once('drain', fill)
    }
    if (what === 'fails') call.emit('error', { code: status.DATA_LOSS, details: 'lost' })
    else call.end()
  }
  fill()
}
