/**
 * Replaces the parts of Node that connect the client to the real world. Core copies them when it
 * loads, so this must run before core is imported. Without a running world they are Node's own.
 */

import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import { performance } from 'node:perf_hooks'
import { setDefaultHighWaterMark } from 'node:stream'
import timers from 'node:timers'
import tls from 'node:tls'
import type { Kernel, ProcessTimer } from './kernel.js'

/** The parts of the running world that builtins lead to. */
export interface RunningWorld {
  readonly kernel: Kernel
  /** From 0 to 1: `Math.random`. */
  random(): number
  connect(options: net.NetConnectOpts): net.Socket
  connectTls(options: tls.ConnectionOptions): tls.TLSSocket
}

/** Buffer of a stream, which Node 20 and 22 have different defaults for; in bytes. */
const STREAM_BYTES = 65_536

let world: RunningWorld | undefined

/** Starts or ends the time in which builtins lead to a world. */
export function enterWorld(entered: RunningWorld | undefined): void {
  world = entered
}

interface VirtualTimeout {
  ref(): VirtualTimeout
  unref(): VirtualTimeout
  readonly timer: ProcessTimer
}

type Callback = (...args: unknown[]) => void

const real = { setTimeout: timers.setTimeout, clearTimeout: timers.clearTimeout, setImmediate: timers.setImmediate }
const realConnect = net.connect
/** Node's own `tls.connect`. */
export const realTlsConnect: typeof tls.connect = tls.connect
/** Node's own `tls.createSecureContext`. */
export const realContext: typeof tls.createSecureContext = tls.createSecureContext
const realRandom = Math.random
const realNow = performance.now.bind(performance)
const realWall = Date.now

function setTimeout(callback: Callback, delayMs?: number, ...args: unknown[]): unknown {
  if (world === undefined) return real.setTimeout(callback, delayMs, ...args)
  const timer = world.kernel.startTimer(delayMs ?? 1, () => callback(...args))
  const timeout: VirtualTimeout = {
    timer,
    ref() {
      timer.ref()
      return timeout
    },
    unref() {
      timer.unref()
      return timeout
    },
  }
  return timeout
}

function clearTimeout(timeout: unknown): void {
  const timer = (timeout as Partial<VirtualTimeout> | undefined)?.timer
  if (timer === undefined) real.clearTimeout(timeout as NodeJS.Timeout)
  else timer.cancel()
}

function setImmediate(callback: Callback, ...args: unknown[]): unknown {
  if (world === undefined) return real.setImmediate(callback, ...args)
  world.kernel.immediate(args.length === 0 ? callback : () => callback(...args))
  return undefined
}

function connect(...args: unknown[]): net.Socket {
  if (world === undefined) return realConnect(...(args as [net.NetConnectOpts]))
  return world.connect(args[0] as net.NetConnectOpts)
}

function connectTls(...args: unknown[]): tls.TLSSocket {
  if (world === undefined) return realTlsConnect(...(args as [tls.ConnectionOptions]))
  return world.connectTls(args[0] as tls.ConnectionOptions)
}

/** Makes no real context, which would read the authorities of the system for each client. */
function createSecureContext(options?: tls.SecureContextOptions): tls.SecureContext {
  return world === undefined ? realContext(options) : { context: {} }
}

/** Replaces them. Call once, before core is imported. */
export function replaceBuiltins(): void {
  setDefaultHighWaterMark(false, STREAM_BYTES)
  Object.assign(timers, { setTimeout, clearTimeout, setImmediate })
  Object.assign(globalThis, { setTimeout, clearTimeout, setImmediate })
  Object.assign(net, { connect, createConnection: connect })
  Object.assign(tls, { connect: connectTls, createSecureContext })
  // Core reads the time from the prototype.
  const clock = Object.getPrototypeOf(performance) as { now: () => number }
  clock.now = () => (world === undefined ? realNow() : world.kernel.monotonic)
  Date.now = () => (world === undefined ? realWall() : world.kernel.wall)
  Math.random = () => (world === undefined ? realRandom() : world.random())
  syncBuiltinESMExports()
}

/** Node's own `setImmediate`, for waits outside a world. */
export const realImmediate: (callback: () => void) => unknown = real.setImmediate

/** Waits in real time, outside of a world. */
export const realPause = (ms: number): Promise<void> => new Promise((resolve) => void real.setTimeout(resolve, ms))

/** Real time, in milliseconds, whatever world runs. */
export const realTime: () => number = realNow
