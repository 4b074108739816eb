/** The credentials of a call: those of its channel, and its own. */

import type { ChannelSettings } from './channel-settings.js'
import type { GrpcCallCredentials, GrpcMetadata } from './types.js'

/** Credentials whose metadata a call sends. */
export class CallCredentialsList {
  readonly #settings: ChannelSettings
  #list: readonly GrpcCallCredentials[]

  constructor(settings: ChannelSettings) {
    this.#settings = settings
    this.#list = settings.callCredentials === undefined ? [] : [settings.callCredentials]
  }

  add(credentials: GrpcCallCredentials): void {
    this.#list = [...this.#list, credentials]
  }

  /**
   * Returns the metadata for a method; `undefined` without credentials. They are never sent without
   * TLS, as in `@grpc/grpc-js`.
   */
  metadataFor(path: string): Promise<GrpcMetadata> | undefined {
    if (this.#list.length === 0 || !this.#settings.isSecure) return undefined
    return this.#generate(path)
  }

  async #generate(path: string): Promise<GrpcMetadata> {
    const end = path.lastIndexOf('/')
    const options = { method_name: path.slice(end + 1), service_url: `${this.#settings.serviceUrl}${path.slice(0, end)}` }
    const [first, ...others] = await Promise.all(this.#list.map((each) => each.generateMetadata(options)))
    for (const other of others) first!.merge(other)
    return first!
  }
}
