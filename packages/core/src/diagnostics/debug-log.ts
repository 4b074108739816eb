/** `NODE_DEBUG=unshard`: writes a line to stderr for each event of the channels `unshard:*`. */

import { subscribe } from 'node:diagnostics_channel'
import { debuglog } from 'node:util'
import { printable } from '../schema/option-checks.js'
import { CHANNELS, OPERATIONS } from './channels.js'

/** Members that a line begins with or ends with, and those that are too long for it or may be secret. */
const OMITTED: ReadonlySet<string> = new Set([
  ...['client', 'clientId', 'origin', 'request', 'connection', 'error'],
  ...['scheme', 'authority', 'headers', 'body', 'carrier', 'timings'],
])

type Message = Record<string, unknown>

let isLogging = false

/** Subscribes to every channel if the environment asks for it. Called with the first client of the process. */
export function logIfAsked(): void {
  if (isLogging || process.env['NODE_DEBUG'] === undefined) return
  const log = debuglog('unshard')
  if (!log.enabled) return
  isLogging = true
  // Content is not logged.
  const { content: _, ...channels } = CHANNELS
  for (const [name, { name: channel }] of Object.entries(channels))
    subscribe(channel, (message) => log('%s', lineOf(name, message as Message)))
  for (const [name, { start, asyncEnd }] of Object.entries(OPERATIONS)) {
    const startedAt = new WeakMap<object, number>()
    subscribe(start.name, (message) => void startedAt.set(message as object, performance.now()))
    subscribe(asyncEnd.name, (message) => {
      const ms = performance.now() - (startedAt.get(message as object) ?? performance.now())
      log('%s', `${lineOf(name, message as Message)} ${ms.toFixed(1)} ms`)
    })
  }
}

/** Returns a line such as `request #3 GET /path https://a.example status=200`. Text of peers is escaped. */
function lineOf(name: string, message: Message): string {
  const { client, origin, request, connection, error } = message
  const words = [name.padEnd(11)]
  if (request !== undefined) words.push(`request #${String(request)}`)
  if (connection !== undefined) words.push(`connection #${String(connection)}`)
  if (client !== undefined) words.push(shown(client))
  words.push(String(origin))
  for (const [member, value] of Object.entries(message))
    if (!OMITTED.has(member) && value !== undefined) words.push(`${member}=${shown(value)}`)
  if (error !== undefined) words.push(`failed: ${shown((error as Error | null)?.message ?? String(error))}`)
  return words.join(' ')
}

/** A number to one decimal, plain text as it is, and any other text quoted and escaped. */
function shown(value: unknown): string {
  if (typeof value === 'number') return String(Math.round(value * 10) / 10)
  if (Array.isArray(value)) return value.map(shown).join(',')
  const text = String(value)
  return PLAIN.test(text) ? text : printable(text)
}

/** No spaces, quotes and control characters. */
const PLAIN = /^[\w.:/?&=%+~@#,;!*()[\]-]+$/
