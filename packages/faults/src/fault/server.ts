/** F13 to F17: the server dies, stops, reloads, sends GOAWAY or resets a stream. */

import { turn, until } from '../cell/time.js'
import { ExternalBackend } from '../server/external.js'
import { OriginProcess } from '../server/origin-process.js'
import { ScriptedBackend } from '../server/scripted.js'
import type { Fault, Scene } from './fault.js'

function processOf({ fixture }: Scene): OriginProcess {
  if (fixture.backend instanceof OriginProcess) return fixture.backend
  throw new Error('not a server in a separate process')
}

function scriptedOf({ fixture }: Scene): ScriptedBackend {
  if (fixture.backend instanceof ScriptedBackend) return fixture.backend
  throw new Error('not a scripted server')
}

/** The port of a dead server refuses connections; the proxy in front of it must do the same. */
export const kill: Fault = {
  says: 'SIGKILL of the server',
  async apply(scene) {
    const { fixture, phase } = scene
    await fixture.proxy.refuse()
    // The half of the handshake that the proxy holds was never sent.
    if (phase === 'tls') fixture.proxy.halfClose()
    await processOf(scene).kill()
    if (phase === 'idle') await until(5_000, 'the client sees the end', () => fixture.open === 0)
  },
  async lift(scene) {
    const server = processOf(scene)
    await server.start()
    scene.fixture.proxy.targetPort = scene.phase === 'queued' ? server.narrowPort : server.port
    scene.fixture.backend.release(scene.fixture.options.run)
    await scene.fixture.proxy.listen()
  },
}

const STOPPED_MS = 5_000
const STEP_MS = 100

export const stop: Fault = {
  says: 'SIGSTOP of the server, five seconds, SIGCONT',
  timeoutMs: () => 30_000,
  apply: (scene) => processOf(scene).stop(),
  async during(scene) {
    for (let ms = 0; ms < STOPPED_MS; ms += STEP_MS) {
      scene.fixture.clock!.advance(STEP_MS)
      await turn()
    }
    processOf(scene).go()
  },
}

/** Time until Apache sends GOAWAY on a busy machine, in milliseconds. */
const APACHE_MS = 20_000
/**
 * With all streams in use Apache may send nothing before one of them ends: after this many
 * milliseconds it is released.
 */
const APACHE_FULL_MS = 3_000

export const reload: Fault = {
  says: 'reload of nginx, Apache, HAProxy or Caddy',
  server: 'external',
  async apply({ fixture, phase, variant }) {
    if (!(fixture.backend instanceof ExternalBackend)) throw new Error('not an external server')
    await fixture.backend.server.reload!()
    if (phase === 'dial' || phase === 'tls' || phase === 'settings') return
    if (phase === 'queued' && variant === 'apache') {
      return until(APACHE_FULL_MS, 'the client receives GOAWAY', () => fixture.open === 0).catch(() => undefined)
    }
    await until(APACHE_MS, 'the client receives GOAWAY', () => fixture.open === 0)
  },
}

const MAX_STREAM_ID = 0x7fff_ffff
const INTERNAL_ERROR = 2

export const goaway: Fault = {
  says: 'GOAWAY: nothing processed, graceful in two steps, with an error',
  server: 'scripted',
  async apply(scene) {
    const { variant, fixture, phase } = scene
    const { conversation } = scriptedOf(scene)
    if (variant === 'zero') {
      conversation.goaway(0, 0)
      conversation.end()
    } else if (variant === 'graceful') {
      conversation.goaway(MAX_STREAM_ID, 0)
      conversation.goaway(conversation.lastStreamId, 0)
    } else {
      conversation.goaway(conversation.lastStreamId, INTERNAL_ERROR)
      conversation.end()
    }
    if (phase === 'idle') await until(5_000, 'the client receives GOAWAY', () => fixture.open === 0)
  },
}

/** RFC 9113 §7, in order: the index of a name is its code. */
export const CODES = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
] as const

export const resetStream: Fault = {
  says: 'RST_STREAM with each of the 14 codes',
  server: 'scripted',
  apply(scene) {
    const { variant, fixture, phase, reached } = scene
    const code = CODES.indexOf(variant as (typeof CODES)[number])
    const { conversation, http1Port } = scriptedOf(scene)
    // A client that is sent to HTTP/1.1 opens a new connection and stays there.
    if (variant === 'HTTP_1_1_REQUIRED') fixture.proxy.targetPort = http1Port
    // A request that has not arrived has the next stream number, possibly after the stream of
    // another request.
    const streamId = phase === 'headers' ? conversation.lastStreamId + 2 : conversation.streamOf(reached.attempt().id)
    conversation.reset(streamId, code, variant === 'REFUSED_STREAM' || variant === 'HTTP_1_1_REQUIRED')
  },
}
