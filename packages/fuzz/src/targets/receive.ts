/** Any octets of a server, cut anywhere, with acts of the client between them and inside calls of the listener. */

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
