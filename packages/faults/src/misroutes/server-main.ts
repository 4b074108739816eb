/**
 * The servers of the misroutes test in a separate process: eight addresses, one port. They follow
 * messages and report deliveries.
 */

import type { SecureServerOptions } from 'node:http2'
import type { DeliveryRow, FromServers, ToServers } from './messages.js'
import type { SeenConnection } from './model.js'
import { contextsOf, Place } from './place.js'
import { DEFAULT_CERTIFICATE } from './plan.js'

/** Interval of the reports, in milliseconds. */
const TELL_EVERY_MS = 50
/** Attempts to find a port: another process may use it at one of the addresses. */
const PORT_TRIALS = 20

const tell = (message: FromServers): void => void process.send!(message)
let connections: SeenConnection[] = []
let deliveries: DeliveryRow[] = []
let places: readonly Place[] = []

const account = {
  connected: (connection: SeenConnection) => void connections.push(connection),
  delivered: (row: DeliveryRow) => void deliveries.push(row),
}

function tellSeen(all: boolean): void {
  if (!all && connections.length + deliveries.length === 0) return
  tell({ seen: { connections, deliveries }, all })
  connections = []
  deliveries = []
}

async function start({ certificates, ca, lives }: Extract<ToServers, { start: unknown }>['start']): Promise<void> {
  const contexts = contextsOf(certificates)
  // A client certificate is requested, but not required.
  const options: SecureServerOptions = { ...certificates[DEFAULT_CERTIFICATE]!, ca, requestCert: true, rejectUnauthorized: false }
  for (let trial = 1; ; trial++) {
    places = lives.map((life) => new Place(life, contexts, options, account))
    try {
      let port = 0
      for (const place of places) port = await place.start(port)
      setInterval(() => tellSeen(false), TELL_EVERY_MS)
      return tell({ port })
    } catch (error) {
      await Promise.all(places.map((place) => place.stop()))
      if (trial === PORT_TRIALS) throw error
    }
  }
}

async function act(message: ToServers): Promise<void> {
  if (message === 'tell') tellSeen(true)
  else if ('start' in message) await start(message.start)
  else if ('end' in message) places[message.end.address]!.end(message.end.how, message.end.part)
  else if ('full' in message) places[message.full.address]!.full()
  else {
    await places[message.restart.address]!.restart(message.restart)
    tell({ restarted: message.restart.address })
  }
}

process.on('message', (message: ToServers) => void act(message))
process.once('disconnect', () => process.exit())
