/** Channels for clients of `@grpc/grpc-js`: its calls are requests of this client. */

import type { Client } from '@unshard/core'
import { Status } from '../status.js'
import { ChannelCall } from './channel-call.js'
import { type ChannelOwnOptions, type ChannelSettings, type GrpcChannelOptions, settingsOf } from './channel-settings.js'
import { ConnectivityWatch } from './connectivity.js'
import type { GrpcCall, GrpcChannelCredentials, GrpcParentCall } from './types.js'

/** `propagate` of `@grpc/grpc-js`. */
const PROPAGATE_DEADLINE = 1
const PROPAGATE_CANCELLATION = 8

/** A channel, as `@grpc/grpc-js` takes it in the option `channelOverride`. */
export interface GrpcChannel {
  /** Ends the channel: later calls are refused. Calls in flight, and the client, go on. */
  close(): void
  getTarget(): string
  getConnectivityState(tryToConnect: boolean): number
  watchConnectivityState(currentState: number, deadline: Date | number, callback: (error?: Error) => void): void
  /** `kind` is `channel`: a string in some versions of the library, and a member of an enum in others. */
  getChannelzRef(): { kind: never; id: number; name: string }
  createCall(
    method: string,
    deadline: Date | number,
    host: string | null | undefined,
    parentCall: GrpcParentCall | null,
    propagateFlags: number | null | undefined,
  ): GrpcCall
}

/** Makes channels, as `@grpc/grpc-js` takes it in the option `channelFactoryOverride`. */
export type GrpcChannelFactory = (address: string, credentials: GrpcChannelCredentials, options: object) => GrpcChannel

/**
 * Makes a channel for a client of `@grpc/grpc-js`: pass it in the option `channelOverride`. Its calls
 * are requests of `client`, which several channels can share.
 * @param address `host:port`, or a target of gRPC with one address.
 * @param credentials of `@grpc/grpc-js`: TLS, and credentials of calls.
 * @param options options of a channel of `@grpc/grpc-js`; those that are a matter of the client have no effect.
 * @throws UsageError if the address, the credentials or an option is not valid.
 */
export function channel(
  client: Client,
  address: string,
  credentials: GrpcChannelCredentials,
  options: object = {},
  own: ChannelOwnOptions = {},
): GrpcChannel {
  return new Channel(settingsOf(client, address, credentials, options as GrpcChannelOptions, own))
}

/**
 * Returns a function for the option `channelFactoryOverride` of clients of `@grpc/grpc-js`, and
 * `'grpc.channelFactoryOverride'` of Google Cloud clients.
 */
export function channelFactory(client: Client, own: ChannelOwnOptions = {}): GrpcChannelFactory {
  return (address, credentials, options) => channel(client, address, credentials, options, own)
}

let lastChannel = 0

class Channel implements GrpcChannel {
  readonly #settings: ChannelSettings
  readonly #connectivity: ConnectivityWatch
  readonly #id = ++lastChannel
  #isClosed = false

  constructor(settings: ChannelSettings) {
    this.#settings = settings
    this.#connectivity = new ConnectivityWatch(settings)
  }

  close(): void {
    this.#isClosed = true
    this.#connectivity.shutDown()
  }

  getTarget(): string {
    return this.#settings.target
  }

  getConnectivityState(tryToConnect: boolean): number {
    return this.#connectivity.state(tryToConnect)
  }

  watchConnectivityState(currentState: number, deadline: Date | number, callback: (error?: Error) => void): void {
    if (this.#isClosed) throw new Error('Channel has been shut down')
    this.#connectivity.watch(currentState, Number(deadline), callback)
  }

  getChannelzRef(): { kind: never; id: number; name: string } {
    return { kind: 'channel' as never, id: this.#id, name: this.#settings.target }
  }

  createCall(
    method: string,
    deadline: Date | number,
    host: string | null | undefined,
    parentCall: GrpcParentCall | null,
    propagateFlags: number | null | undefined,
  ): GrpcCall {
    if (this.#isClosed) throw new Error('Channel has been shut down')
    const flags = propagateFlags ?? 0xffff
    let deadlineMs = Number(deadline)
    if (parentCall !== null && (flags & PROPAGATE_DEADLINE) !== 0)
      deadlineMs = Math.min(deadlineMs, Number(parentCall.getDeadline()))
    const settings = host === null || host === undefined || host === '' ? this.#settings : { ...this.#settings, authority: host }
    const call = new ChannelCall(settings, this.#connectivity, method, deadlineMs)
    if (parentCall !== null && (flags & PROPAGATE_CANCELLATION) !== 0) {
      const cancel = (): void => call.cancelWithStatus(Status.CANCELLED, 'Cancelled by parent call')
      parentCall.on('cancelled', cancel)
      // A parent may have many calls, and live longer than each of them.
      call.onOver = () => parentCall.removeListener('cancelled', cancel)
    }
    return call
  }
}
