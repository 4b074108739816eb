/** State that a worker keeps across cells: certificates, and servers that are slow to start. */

import type { Credentials, ExternalServer } from '@unshard/testkit'
import { ExternalBackend } from './external.js'
import { OriginProcess } from './origin-process.js'
import { ScriptedBackend } from './scripted.js'

/** Created once for all workers. */
export interface Certificates {
  readonly ca: string
  readonly good: Credentials
  readonly expired: Credentials
  readonly otherName: Credentials
  readonly otherAuthority: Credentials
}

export class Environment {
  readonly certificates: Certificates
  #process: OriginProcess | undefined
  readonly #external = new Map<string, ExternalBackend | undefined>()

  constructor(certificates: Certificates) {
    this.certificates = certificates
  }

  async process(): Promise<OriginProcess> {
    if (this.#process === undefined) {
      this.#process = new OriginProcess(this.certificates.good)
      await this.#process.start()
    }
    return this.#process
  }

  /** Starts a new one for each run. */
  scripted(): Promise<ScriptedBackend> {
    return ScriptedBackend.start(this.certificates.good)
  }

  /** Resolves with `undefined` if the program is not installed. */
  async external(name: ExternalServer['name']): Promise<ExternalBackend | undefined> {
    if (!this.#external.has(name)) this.#external.set(name, await ExternalBackend.start(name, this.certificates.good))
    return this.#external.get(name)
  }

  async close(): Promise<void> {
    await this.#process?.close()
    for (const server of this.#external.values()) await server?.close()
  }
}
