/** The transfers that a command line asks for: each URL with its options, content, output and client. */

import { Client } from '@unshard/core'
import { CommandError } from '../errors.js'
import { clientOptionsOf } from './client.js'
import { Dials } from './dials.js'
import { expandGlob } from './glob.js'
import type { GetValues, OutputChoice } from './options.js'
import { type GivenContent, readContent } from './request.js'

/** One URL with its options. */
export interface Job {
  readonly url: string
  /** Texts of its globs, for `#1` in the name of a file. */
  readonly parts: readonly string[]
  /** From 0. */
  readonly number: number
  readonly output: OutputChoice | undefined
  readonly values: GetValues
  readonly content: GivenContent
  readonly client: Client
}

/** Options that decide about the client. Parts of the command line with the same ones share it. */
const CLIENT_OPTIONS: readonly (keyof GetValues)[] = [
  ...(['cacert', 'cert', 'certType', 'key', 'pass', 'insecure', 'pinnedpubkey', 'tlsv1.2', 'tlsv1.3', 'tlsMax'] as const),
  ...(['proxy', 'proxyUser', 'noproxy', 'http1.1', 'http2PriorKnowledge', 'ipv4', 'ipv6', 'interface'] as const),
  ...(['resolve', 'connectTo', 'unixSocket', 'share', 'connectTimeout'] as const),
]

/** Time for GOAWAY to be sent, in milliseconds. */
const CLOSE_MS = 100

/** The jobs of a command line, and their clients. */
export class Jobs {
  readonly #clients = new Map<string, Client>()
  readonly #dials: Dials[] = []
  readonly list: readonly Job[]

  /** Reads the content of all parts. @throws CommandError. */
  constructor(parts: readonly GetValues[]) {
    this.list = parts.flatMap((values) => [...this.#jobsOf(values)]).map((job, number) => ({ ...job, number }))
    if (this.list.length === 0) throw new CommandError('no URL')
  }

  get clients(): readonly Client[] {
    return [...this.#clients.values()]
  }

  /** Closes the connections. */
  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close({ graceMs: CLOSE_MS })))
    for (const dials of this.#dials) dials.close()
  }

  *#jobsOf(values: GetValues): Generator<Omit<Job, 'number'>> {
    const content = readContent(values)
    const client = this.#clientOf(values)
    const outputs = values.outputs.values()
    const uploads = values.uploads.values()
    const { uploadFile: _last, ...others } = values
    for (const pattern of values.urls) {
      const output = outputs.next().value
      const uploadFile = uploads.next().value
      const own = uploadFile === undefined ? others : { ...others, uploadFile }
      const urls = values.globoff === true ? [{ url: pattern, parts: [] }] : expandGlob(pattern)
      for (const { url, parts } of urls) yield { url, parts, output, values: own, content, client }
    }
  }

  #clientOf(values: GetValues): Client {
    const key = JSON.stringify(CLIENT_OPTIONS.map((name) => values[name] ?? null))
    const known = this.#clients.get(key)
    if (known !== undefined) return known
    const dials = new Dials(values)
    const client = new Client(clientOptionsOf(values, dials))
    this.#dials.push(dials)
    this.#clients.set(key, client)
    return client
  }
}
