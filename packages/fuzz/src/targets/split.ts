/** Delivers the same bytes whole and in pieces: the calls and the output must be the same. */

import { ConversationLayout } from '../engine/conversation-layout.js'
import { play } from '../engine/play.js'
import { conversationSeeds } from '../engine/seeds.js'
import { must, type Target } from '../target.js'

/** Returns the result of one way of delivery, as lines. */
function callsOf(input: Uint8Array, cut: boolean, trace: ((line: string) => void) | undefined): string[] {
  const lines: string[] = []
  play(input, { framed: false, inner: false, cut }, (line) => {
    lines.push(line)
    trace?.(`${cut ? 'in pieces' : 'whole'}: ${line}`)
  })
  return comparable(lines)
}

/**
 * Merges content that arrives in parts into one line, however it is split. For a failing stream the
 * content is omitted: parts before the error are delivered if they arrive separately, and not if
 * they arrive with it.
 */
function comparable(lines: readonly string[]): string[] {
  const failed = new Set<string>()
  for (const line of lines) {
    if (line.startsWith('error ')) failed.add(line.split(' ', 2)[1]!)
  }
  const joined: string[] = []
  for (const line of lines) {
    const [word, id] = line.split(' ', 2)
    if (word !== 'data') joined.push(line)
    else if (failed.has(id!)) continue
    else {
      const start = `data ${id} `
      const before = joined.at(-1)
      if (before?.startsWith(start)) joined[joined.length - 1] = before + line.slice(start.length)
      else joined.push(line)
    }
  }
  return joined
}

export const target: Target = {
  name: 'split',
  layout: new ConversationLayout(),
  seeds: conversationSeeds,
  run(input, trace) {
    const whole = callsOf(input, false, trace)
    const pieces = callsOf(input, true, trace)
    for (let i = 0; i < Math.max(whole.length, pieces.length); i++) {
      must(
        whole[i] === pieces[i],
        `a split changes what happens: ${JSON.stringify(whole[i])}, in pieces ${JSON.stringify(pieces[i])}`,
      )
    }
  },
}
