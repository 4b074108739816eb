/** Well-formed frames after a handshake: errors can only be in their content and their order. */

import { ConversationLayout } from '../engine/conversation-layout.js'
import { play } from '../engine/play.js'
import { conversationSeeds } from '../engine/seeds.js'
import type { Target } from '../target.js'

export const target: Target = {
  name: 'receive-framed',
  layout: new ConversationLayout(),
  seeds: conversationSeeds,
  run(input, trace) {
    play(input, { framed: true, inner: true, cut: true }, trace)
  },
}
