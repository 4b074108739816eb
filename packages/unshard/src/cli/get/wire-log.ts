/** `--verbose` and `--trace`: what the connections of this process send and receive. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import type { BytesEvent, ClosedEvent, NegotiateEvent } from '@unshard/core'
import { PREFACE } from '@unshard/core/internal'
import { colorsOf } from '../colors.js'
import { CommandError } from '../errors.js'
import { lineForTerminal } from '../terminal.js'
import { Exit } from './exit-codes.js'
import { FrameLog, type PrintLine } from './frame-log.js'
import { HeadLog } from './head-log.js'

interface Log {
  read(bytes: Uint8Array): void
}

const INDENT = ' '.repeat(11)
const BYTES_PER_LINE = 16
const TEXT_PER_LINE = 64

/** Prints what connections send and receive to standard error. @returns a function that ends it. */
export function logFrames(): () => void {
  const { dim, cyan } = colorsOf(process.stderr)
  const logs = new Map<string, Log>()
  const print: PrintLine = (line, tone) => console.error(tone === 'frame' ? `${dim(stamp())} ${cyan(line)}` : INDENT + line)
  return watch({
    bytes: ({ connection, direction, bytes }) => {
      const key = `${connection} ${direction}`
      const log =
        logs.get(key) ??
        logOf(direction, bytes, logs.has(`${connection} sent`) ? logs.get(`${connection} sent`) : undefined, print)
      logs.set(key, log)
      log.read(bytes)
    },
    note: (line) => console.error(`${dim(stamp())} ${line}`),
  })
}

/**
 * Writes all bytes to a file, as curl's `--trace` or `--trace-ascii`.
 * @param onError called once if the file cannot be written; nothing more is then.
 * @returns a function that ends it. @throws CommandError if the file cannot be created.
 */
export function traceTo(file: string, isText: boolean, onError: (error: CommandError) => void): () => void {
  const lines = isText ? textLines : hexLines
  const fd = file === '-' ? undefined : opened(file)
  const write = (text: string): void => {
    try {
      if (fd === undefined) process.stdout.write(text)
      else writeFileSync(fd, text)
    } catch (error) {
      stop()
      onError(new CommandError(`--trace: ${(error as Error).message}`, Exit.WRITE))
    }
  }
  const stop = watch({
    bytes: ({ direction, bytes }) => {
      const arrow = direction === 'sent' ? '=> Send data' : '<= Recv data'
      write(`${arrow}, ${bytes.length} bytes (0x${bytes.length.toString(16)})\n${lines(bytes).join('\n')}\n`)
    },
    note: (line) => write(`== Info: ${line}\n`),
  })
  return () => {
    stop()
    if (fd !== undefined) closeSync(fd)
  }
}

interface Listener {
  bytes(event: BytesEvent): void
  note(line: string): void
}

function watch({ bytes, note }: Listener): () => void {
  const channels: readonly (readonly [string, (message: unknown) => void])[] = [
    ['unshard:bytes', (message) => bytes(message as BytesEvent)],
    ['unshard:negotiate', (message) => note(connected(message as NegotiateEvent))],
    ['unshard:closed', (message) => note(closed(message as ClosedEvent))],
  ]
  for (const [name, listener] of channels) subscribe(name, listener)
  return () => {
    for (const [name, listener] of channels) unsubscribe(name, listener)
  }
}

/** A server of HTTP/1.1 never sends first. */
function logOf(direction: 'sent' | 'received', bytes: Uint8Array, sent: Log | undefined, print: PrintLine): Log {
  const isH2 =
    direction === 'sent'
      ? Buffer.from(bytes.subarray(0, PREFACE.length)).toString('latin1') === PREFACE
      : sent === undefined || sent instanceof FrameLog
  return isH2 ? new FrameLog(direction, print) : new HeadLog(direction, print)
}

function connected({ connection, origin, protocol, remoteAddress, remotePort }: NegotiateEvent): string {
  const at = remoteAddress === undefined ? '' : ` at ${remoteAddress} port ${remotePort}`
  return lineForTerminal(`connection #${connection} to ${origin}${at}, ${protocol}`)
}

function closed({ connection, reason, requests }: ClosedEvent): string {
  return `connection #${connection} closed (${reason}) after ${requests} ${requests === 1 ? 'request' : 'requests'}`
}

function stamp(): string {
  return `[${(performance.now() / 1_000).toFixed(3).padStart(8)}]`
}

function opened(file: string): number {
  try {
    return openSync(file, 'w')
  } catch (error) {
    throw new CommandError(`--trace: ${(error as Error).message}`, Exit.WRITE)
  }
}

function hexLines(bytes: Uint8Array): string[] {
  return linesOf(
    bytes,
    BYTES_PER_LINE,
    (part) =>
      `${Buffer.from(part)
        .toString('hex')
        .replace(/../g, '$& ')
        .padEnd(3 * BYTES_PER_LINE)}${printableText(part)}`,
  )
}

function textLines(bytes: Uint8Array): string[] {
  return linesOf(bytes, TEXT_PER_LINE, printableText)
}

function linesOf(bytes: Uint8Array, length: number, shown: (part: Uint8Array) => string): string[] {
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += length) {
    lines.push(`${at.toString(16).padStart(4, '0')}: ${shown(bytes.subarray(at, at + length))}`)
  }
  return lines
}

function printableText(part: Uint8Array): string {
  return Array.from(part, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
}
