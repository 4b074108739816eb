/** Collects the content of a Node stream that also tells its status: the cheapest way that a user of it would write. */

import type { EventEmitter } from 'node:events'
import { check, type Target } from '../competitor.js'

interface Answer extends EventEmitter {
  setEncoding(encoding: 'utf8'): unknown
}

/** Calls back once, when the answer is whole and right, or with what is wrong. */
export function collect(
  answer: Answer,
  target: Pick<Target, 'text'>,
  status: () => number | undefined,
  done: (error?: Error) => void,
): void {
  let text = ''
  answer.setEncoding('utf8')
  answer.on('data', (chunk: string) => {
    text += chunk
  })
  answer.on('error', done)
  answer.on('end', () => {
    try {
      check(target, status(), text)
    } catch (error) {
      done(error as Error)
      return
    }
    done()
  })
}
