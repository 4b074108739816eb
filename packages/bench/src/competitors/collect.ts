/** Collects the content of a Node stream that also tells its status: the cheapest way that a user of it would write. */

import type { EventEmitter } from 'node:events'
import { check, type Seen, type Target } from '../competitor.js'
import { seen } from './reading.js'

interface Answer extends EventEmitter {
  setEncoding(encoding: 'utf8'): unknown
}

/** Calls back once, when the answer is whole and right, or with what is wrong. */
export function collect(
  answer: Answer,
  target: Pick<Target, 'text' | 'bytes' | 'reading'>,
  status: () => number | undefined,
  done: (error?: Error) => void,
): void {
  const content = target.reading === undefined || target.reading === 'text' ? collectText(answer) : collectOctets(answer, target)
  answer.on('error', done)
  answer.on('end', () => {
    try {
      check(target, status(), content())
    } catch (error) {
      done(error as Error)
      return
    }
    done()
  })
}

function collectText(answer: Answer): () => string {
  let text = ''
  answer.setEncoding('utf8')
  answer.on('data', (chunk: string) => {
    text += chunk
  })
  return () => text
}

function collectOctets(answer: Answer, { text, reading }: Pick<Target, 'text' | 'reading'>): () => Seen {
  const chunks: Buffer[] = []
  let bytes = 0
  answer.on('data', (chunk: Buffer) => {
    // Of a stream nothing is kept but how it begins.
    if (reading === 'octets' || bytes < text.length) chunks.push(chunk)
    bytes += chunk.length
  })
  return () => ({ bytes, head: seen(Buffer.concat(chunks), text).head })
}
