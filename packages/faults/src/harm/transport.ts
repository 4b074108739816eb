/** F01 to F03 and F10 to F12: the chaos proxy cuts, drops or corrupts the connection. */

import { until } from '../cell/time.js'
import type { Phase } from '../phases.js'
import { below } from '../random.js'
import { ScriptedBackend } from '../server/scripted.js'
import type { Harm, Scene } from './harm.js'
import { drop, undrop } from './kernel.js'

/**
 * Shorter than the shortest record with a field section: no field is complete before that position.
 */
const IN_FIRST_RECORD = 20
/**
 * Length of a record header, which a change must not hit: it could have no effect, or change the
 * end of the record.
 */
const RECORD_HEADER = 5
const FATAL_INTERNAL_ERROR = Buffer.from('15030300020250', 'hex')

/**
 * In phase `idle`, variant `seen`: waits until the client has noticed before the request is made.
 */
async function noticed({ phase, variant, stage }: Scene): Promise<void> {
  if (phase === 'idle' && variant !== 'unseen') await until(5_000, 'the client sees the end', () => stage.open === 0)
}

export const reset: Harm = {
  says: 'TCP RST',
  async apply(scene) {
    const { phase, stage } = scene
    if (phase === 'dial') return stage.proxy.refuse()
    stage.proxy.reset()
    await noticed(scene)
  },
  lift: ({ phase, stage }) => (phase === 'dial' ? stage.proxy.listen() : undefined),
}

export const halfClose: Harm = {
  says: 'FIN from the server',
  async apply(scene) {
    const { phase, stage } = scene
    if (phase === 'dial') return stage.proxy.setNew('toClient', { truncateAfter: 0 })
    stage.proxy.halfClose()
    await noticed(scene)
  },
  lift: ({ stage }) => stage.proxy.setNew('toClient', { truncateAfter: undefined }),
}

export const blackHole: Harm = {
  says: 'black hole, both ways',
  kernel: (phase) => (phase === 'dial' ? ['nft'] : undefined),
  apply({ phase, stage, variant }) {
    if (phase === 'dial') return drop(stage.proxy.port, 'both')
    if (variant === 'gone') for (const link of stage.proxy.links) link.set('both', { stalled: true })
    else stage.proxy.set('both', { stalled: true })
  },
  lift({ phase, stage, variant }) {
    if (phase === 'dial') return undrop()
    if (variant !== 'gone') stage.proxy.set('both', { stalled: false })
  },
  stays: ({ variant }) => variant === 'gone',
}

export const corrupt: Harm = {
  says: 'one byte of a TLS record is changed',
  // A node:http2 session that gets the client's fatal alert stays in CLOSE-WAIT forever, so the
  // server would keep open sockets.
  server: 'scripted',
  apply({ phase, stage, random }) {
    // In the random of the ServerHello, behind the fields that may have any value.
    const corruptAfter = phase === 'tls' ? 11 + below(random, 32) : RECORD_HEADER + below(random, 12)
    for (const link of stage.proxy.links) link.set('toClient', { corruptAfter })
  },
}

export const truncate: Harm = {
  says: 'cut off at some byte, then FIN',
  apply({ phase, stage, random }) {
    const truncateAfter = below(random, IN_FIRST_RECORD)
    if (phase === 'dial') return stage.proxy.setNew('toClient', { truncateAfter })
    for (const link of stage.proxy.links) link.set('toClient', { truncateAfter })
  },
  lift: ({ stage }) => stage.proxy.setNew('toClient', { truncateAfter: undefined }),
}

/** Phases in which the client sends nothing by itself. */
const SILENT: ReadonlySet<Phase> = new Set(['settings', 'queued', 'body', 'waiting', 'reading', 'complete', 'closing'])

export const tlsEnd: Harm = {
  says: 'TLS alert, or an end without close_notify',
  server: 'scripted',
  async apply(scene) {
    const { phase, stage, variant } = scene
    if (variant === 'alert') return alert(scene)
    const { backend } = stage
    if (phase === 'tls' || !(backend instanceof ScriptedBackend)) return stage.proxy.halfClose()
    if (variant === 'close_notify') backend.conversation.end()
    else backend.conversation.destroy()
    await noticed(scene)
  },
}

/**
 * During the handshake an alert is in cleartext. Later it is the server's own response to a changed
 * byte.
 */
async function alert({ phase, stage, random }: Scene): Promise<void> {
  if (phase === 'tls') return stage.proxy.links[0]!.toClient.inject(FATAL_INTERNAL_ERROR)
  for (const link of stage.proxy.links) link.set('toServer', { corruptAfter: RECORD_HEADER + below(random, 12) })
  if (!SILENT.has(phase)) return
  const origin = `https://a.test.example:${stage.proxy.port}`
  stage.client.ping(origin).catch(() => undefined)
  if (phase === 'settings') stage.proxy.letGo()
  await until(5_000, 'the client receives the alert', () => stage.open === 0)
}
