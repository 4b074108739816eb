/**
 * Arbitrary bytes of a server, split anywhere, with acts of the client between them and inside
 * listener calls.
 */

import { ConversationLayout } from '../engine/conversation-layout.js'
import { play } from '../engine/play.js'
import { conversationSeeds } from '../engine/seeds.js'
import type { Target } from '../target.js'

export const target: Target = {
  name: 'receive',
  layout: new ConversationLayout(),
  seeds: conversationSeeds,
  run(input, trace) {
    play(input, { framed: false, inner: true, cut: true }, trace)
  },
}
