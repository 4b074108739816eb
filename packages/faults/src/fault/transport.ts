/** F01 to F03 and F10 to F12: the chaos proxy cuts, drops or corrupts the connection. */

import { until } from '../cell/time.js'
import type { Phase } from '../phases.js'
import { below } from '../random.js'
import { ScriptedBackend } from '../server/scripted.js'
import type { Fault, Scene } from './fault.js'
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
async function noticed({ phase, variant, fixture }: Scene): Promise<void> {
  if (phase === 'idle' && variant !== 'unseen') await until(5_000, 'the client sees the end', () => fixture.open === 0)
}

export const reset: Fault = {
  says: 'TCP RST',
  async apply(scene) {
    const { phase, fixture } = scene
    if (phase === 'dial') return fixture.proxy.refuse()
    fixture.proxy.reset()
    await noticed(scene)
  },
  lift: ({ phase, fixture }) => (phase === 'dial' ? fixture.proxy.listen() : undefined),
}

export const halfClose: Fault = {
  says: 'FIN from the server',
  async apply(scene) {
    const { phase, fixture } = scene
    if (phase === 'dial') return fixture.proxy.setNew('toClient', { truncateAfter: 0 })
    fixture.proxy.halfClose()
    await noticed(scene)
  },
  lift: ({ fixture }) => fixture.proxy.setNew('toClient', { truncateAfter: undefined }),
}

export const blackHole: Fault = {
  says: 'black hole, both ways',
  kernel: (phase) => (phase === 'dial' ? ['nft'] : undefined),
  apply({ phase, fixture, variant }) {
    if (phase === 'dial') return drop(fixture.proxy.port, 'both')
    if (variant === 'gone') for (const link of fixture.proxy.links) link.set('both', { stalled: true })
    else fixture.proxy.set('both', { stalled: true })
  },
  lift({ phase, fixture, variant }) {
    if (phase === 'dial') return undrop()
    if (variant !== 'gone') fixture.proxy.set('both', { stalled: false })
  },
  stays: ({ variant }) => variant === 'gone',
}

export const corrupt: Fault = {
  says: 'one byte of a TLS record is changed',
  // A node:http2 session that gets the client's fatal alert stays in CLOSE-WAIT forever, so the
  // server would keep open sockets.
  server: 'scripted',
  apply({ phase, fixture, random }) {
    // In the random of the ServerHello, behind the fields that may have any value.
    const corruptAfter = phase === 'tls' ? 11 + below(random, 32) : RECORD_HEADER + below(random, 12)
    for (const link of fixture.proxy.links) link.set('toClient', { corruptAfter })
  },
}

export const truncate: Fault = {
  says: 'cut off at some byte, then FIN',
  apply({ phase, fixture, random }) {
    const truncateAfter = below(random, IN_FIRST_RECORD)
    if (phase === 'dial') return fixture.proxy.setNew('toClient', { truncateAfter })
    for (const link of fixture.proxy.links) link.set('toClient', { truncateAfter })
  },
  lift: ({ fixture }) => fixture.proxy.setNew('toClient', { truncateAfter: undefined }),
}

/** Phases in which the client sends nothing by itself. */
const SILENT: ReadonlySet<Phase> = new Set(['settings', 'queued', 'body', 'waiting', 'reading', 'complete', 'closing'])

export const tlsEnd: Fault = {
  says: 'TLS alert, or an end without close_notify',
  server: 'scripted',
  async apply(scene) {
    const { phase, fixture, variant } = scene
    if (variant === 'alert') return alert(scene)
    const { backend } = fixture
    if (phase === 'tls' || !(backend instanceof ScriptedBackend)) return fixture.proxy.halfClose()
    if (variant === 'close_notify') backend.conversation.end()
    else backend.conversation.destroy()
    await noticed(scene)
  },
}

/**
 * During the handshake an alert is in cleartext. Later it is the server's own response to a changed
 * byte.
 */
async function alert({ phase, fixture, random }: Scene): Promise<void> {
  if (phase === 'tls') return fixture.proxy.links[0]!.toClient.inject(FATAL_INTERNAL_ERROR)
  for (const link of fixture.proxy.links) link.set('toServer', { corruptAfter: RECORD_HEADER + below(random, 12) })
  if (!SILENT.has(phase)) return
  const origin = `https://a.test.example:${fixture.proxy.port}`
  fixture.client.ping(origin).catch(() => undefined)
  if (phase === 'settings') fixture.proxy.letGo()
  await until(5_000, 'the client receives the alert', () => fixture.open === 0)
}
