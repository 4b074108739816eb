/** Collects the content of a Node stream with a status, in the cheapest way a user would write. */

import type { EventEmitter } from 'node:events'
import { check, type Seen, type Target } from '../competitor.js'
import { summaryOf } from './reading.js'

interface Answer extends EventEmitter {
  setEncoding(encoding: 'utf8'): unknown
}

/** Calls back once, when the response is complete and right, or with the error. */
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
    // Of a stream, keep only its beginning.
    if (reading === 'bytes' || bytes < text.length) chunks.push(chunk)
    bytes += chunk.length
  })
  return () => ({ bytes, head: summaryOf(Buffer.concat(chunks), text).head })
}
