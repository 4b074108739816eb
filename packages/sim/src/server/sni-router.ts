/** A router that chooses the server by the name in the handshake, once for each connection. */

import type { End } from '../network/flow.js'
import { type ClientHello, MessageReader } from '../tls/messages.js'
import type { Instance } from './instance.js'

export function routeByName(end: End, instances: readonly Instance[]): void {
  const reader = new MessageReader<ClientHello>()
  const parts: Uint8Array[] = []
  end.listener = {
    onBytes(bytes) {
      parts.push(bytes)
      const read = reader.push(bytes)
      if (read === undefined) return
      const { servername } = read.message
      const chosen = instances.find(({ script }) => script.hosts?.includes(servername) === true) ?? instances[0]!
      chosen.accept(end, true)
      end.listener!.onBytes(Buffer.concat(parts))
    },
    onEnd: () => end.close(),
    onError() {},
    onDrain() {},
  }
}
