/**
 * Random requests through several clients, and the verdict on every delivery that the servers
 * report.
 */

import { coalescing } from '@unshard/coalescing'
import { Client, type ClientOptions, type HttpResponse, type ReusePolicy, UnshardError } from '@unshard/core'
import type { Credentials } from '@unshard/testkit'
import { below, pick, type Random } from '../random.js'
import type { Environment } from './environment.js'
import { CONNECTION_FIELD, DELAY_FIELD, ID_FIELD, type Seen } from './messages.js'
import { credentialOf, Model, type SentRequest } from './model.js'
import { ADDRESSES, BUSY_HOSTS, CLIENTS, HOSTS, KEPT_APART, TAGS } from './plan.js'

const TIMEOUTS = { connect: 3_000, queue: 5_000, headers: 5_000, body: 5_000, total: 10_000 }
/** Time after which the servers have reported everything about a request. */
const TOLD_MS = 3_000
const FORTY_DAYS_MS = 40 * 86_400_000
/** Share of requests to URLs that must share nothing, and of requests with delayed responses. */
const ODD_PART = 0.003
const SLOW_PART = 0.05
const SLOWEST_MS = 20
const POST_PART = 0.3
const BUSY_PART = 0.75

/** A problem, its count, and its first occurrence. */
export interface Noted {
  count: number
  readonly first: string
}

interface PendingRequest extends SentRequest {
  readonly method: 'GET' | 'POST'
  /** Deliveries without a 421. */
  deliveries: number
  /** Connections on which it got a 421. */
  readonly turnedAway: number[]
  /** Final status, if it is 421. */
  status: number
  settledAtMs: number | undefined
  /** The error received by the caller says that nothing was processed. */
  unprocessed: boolean
}

export interface LoadParts {
  readonly environment: Environment
  readonly random: Random
  readonly port: number
  readonly ca: string
  /** Fingerprints of the servers' certificates, in their order. */
  readonly fingerprints: readonly string[]
  /** Certificate for the client that has one. */
  readonly certificate: Credentials
}

export class Load {
  /** Problems by description. */
  readonly problems: Map<string, Noted> = new Map()
  /** Number of responses by `because`. */
  readonly because: Map<string, number> = new Map()
  /** Number of refusals by reason. */
  readonly refusals: Map<string, number> = new Map()
  readonly errors: Map<string, number> = new Map()
  readonly model: Model = new Model()
  answered = 0
  coalesced = 0
  misdirected = 0
  deliveries = 0
  misroutes = 0
  readonly #parts: LoadParts
  readonly #clients: readonly Client[]
  readonly #underWay = new Map<number, PendingRequest>()
  #settled: PendingRequest[] = []
  #number = 0

  constructor(parts: LoadParts) {
    this.#parts = parts
    this.#clients = CLIENTS.map((_, client) => this.#newClient(client))
  }

  get requests(): number {
    return this.#number
  }

  /** Sends one request and waits for its end. */
  async sendOne(): Promise<void> {
    const { random, port } = this.#parts
    const id = ++this.#number
    const client = this.#pickClient()
    const tag = pick(random, TAGS)
    const { url, host } =
      random() < ODD_PART ? oddUrl(random, port) : urlOf(pick(random, random() < BUSY_PART ? BUSY_HOSTS : HOSTS), port)
    const method = random() < POST_PART ? 'POST' : 'GET'
    const request: PendingRequest = {
      ...{ id, client, tag, host, method, atMs: Date.now() },
      ...{ deliveries: 0, turnedAway: [], status: 0, settledAtMs: undefined, unprocessed: false },
    }
    this.#underWay.set(id, request)
    try {
      const response = await this.#clients[client]!.request({
        url,
        method,
        headers: {
          authorization: credentialOf(client, tag, host),
          [ID_FIELD]: String(id),
          ...(random() < SLOW_PART && { [DELAY_FIELD]: String(1 + below(random, SLOWEST_MS)) }),
        },
        ...(method === 'POST' && { body: `content of ${id}` }),
        ...(tag !== undefined && { isolation: tag }),
      })
      this.#checkResponse(response)
      this.#answered(request, response, await response.text())
    } catch (error) {
      this.#failed(request, error)
    }
    this.#over(request)
  }

  /** Processes a report of the servers. */
  onReport({ connections, deliveries }: Seen): void {
    for (const connection of connections) this.model.connected(connection)
    for (const [id, connection, host, credential, status, post] of deliveries) {
      this.deliveries++
      if (status === 421) this.misdirected++
      const request = this.#underWay.get(id)
      if (request === undefined) {
        this.#note('a delivery of an unknown request', `${id} to ${host}`)
        continue
      }
      if (status === 421) request.turnedAway.push(connection)
      else request.deliveries++
      if (post !== (request.method === 'POST')) this.#note('another method', `${id}`)
      const broken = this.model.delivered(request, { connection, host, credential })
      if (broken === undefined) continue
      this.misroutes++
      const { name } = CLIENTS[request.client]!
      const age = this.model.answerAgeMs(request, connection)
      const what = `request ${id} of client ${name}, tag ${request.tag}, for ${host}, whose resolver last returned its address ${age} ms before`
      this.#note(`misroute ${broken}`, `${what}, at ${this.model.describe(connection)}`)
    }
    this.#forget(Date.now() - TOLD_MS)
  }

  /** Evaluates the remaining requests: everything has been reported. */
  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()))
    this.#forget(Number.POSITIVE_INFINITY)
    if (this.#underWay.size > 0) this.#note('requests that never settled', `${this.#underWay.size}`)
  }

  #newClient(client: number): Client {
    const { environment, ca, certificate } = this.#parts
    const { unshareable } = CLIENTS[client]!
    const lookup = environment.lookup((host, addresses) => this.model.answered(client, host, addresses, Date.now()))
    const shifted = { clock: { now: () => Date.now() + FORTY_DAYS_MS } }
    const policy = coalescing({ deny: [...KEPT_APART], ...(unshareable === 'certificate-expired' && shifted) })
    const tls: ClientOptions['tls'] = {
      ...(unshareable === 'unauthorized' ? { rejectUnauthorized: false } : { ca }),
      ...(unshareable === 'client-certificate' && certificate),
      ...(client === 1 && { minVersion: 'TLSv1.3' }),
    }
    return new Client({ tls, lookup, timeouts: TIMEOUTS, reuse: this.#watched(client, policy) })
  }

  /** Wraps the policy: counts refusals, and tells the model about each 421 that was read. */
  #watched(client: number, policy: ReusePolicy): ReusePolicy {
    const verdict: ReusePolicy['verdict'] = (...parts) => {
      const answer = policy.verdict(...parts)
      if ('use' in answer && !answer.use) count(this.refusals, answer.because)
      return answer
    }
    const misdirected: ReusePolicy['misdirected'] = (connection, origin) => {
      const { remoteAddress = '', certificate } = connection.route
      const shown = this.#parts.fingerprints.indexOf(certificate?.peer.fingerprint256 ?? '')
      this.model.turnedAway(client, remoteAddress, shown, origin.host, Date.now())
      policy.misdirected(connection, origin)
    }
    const own: Record<PropertyKey, unknown> = { verdict, misdirected }
    return new Proxy(policy, {
      get(target, name) {
        const member: unknown = own[name] ?? Reflect.get(target, name, target)
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
  }

  #pickClient(): number {
    let left = this.#parts.random()
    const found = CLIENTS.findIndex(({ weight }) => {
      left -= weight
      return left < 0
    })
    return found === -1 ? 0 : found
  }

  /** Everything before the response on its connection has been read, such as ORIGIN. */
  #checkResponse(response: HttpResponse): void {
    const connection = Number(response.headers.get(CONNECTION_FIELD))
    if (connection > 0) this.model.responseRead(connection, Date.now())
  }

  #answered(request: PendingRequest, response: HttpResponse, text: string): void {
    const { id, host } = request
    const { coalesced, because } = response.connection
    this.answered++
    if (coalesced) this.coalesced++
    count(this.because, because)
    if (response.status !== 200) this.#note(`unexpected status ${response.status}`, `to ${id} for ${host}`)
    // A trailing dot is not part of the handshake (RFC 6066 §3), so a gateway's response lacks it.
    else if (text.replace('. ', ' ') !== `${host.replace(/\.$/, '')} ${id}` || response.headers.get(ID_FIELD) !== String(id)) {
      this.#note('a response for another request', `${JSON.stringify(text)} to ${id} for ${host}`)
    }
  }

  #failed(request: PendingRequest, error: unknown): void {
    if (!(error instanceof UnshardError))
      return this.#note('an error that unshard does not define', String((error as Error)?.stack))
    request.unprocessed = error.processed === 'no'
    count(this.errors, error.code)
  }

  #over(request: PendingRequest): void {
    request.settledAtMs = Date.now()
    this.#settled.push(request)
  }

  /** Evaluates the requests that had settled by then. */
  #forget(beforeMs: number): void {
    let settledCount = 0
    for (const request of this.#settled) {
      if (request.settledAtMs! > beforeMs) break
      settledCount++
      this.#underWay.delete(request.id)
      const { id, method, deliveries, unprocessed, status, turnedAway } = request
      // The retry uses a dedicated connection, where these servers never send 421.
      if (status === 421) {
        const where = turnedAway.map((connection) => this.model.describe(connection))
        this.#note('421 was returned', `to ${method} ${id} for ${request.host}, sent by ${where.join(' and ')}`)
      }
      if (deliveries > (method === 'POST' ? 1 : 3)) this.#note(`a ${method} delivered ${deliveries} times`, `${id}`)
      if (unprocessed && deliveries > 0) this.#note('delivered, and "processed" is "no"', `${method} ${id}`)
    }
    this.#settled = this.#settled.slice(settledCount)
  }

  #note(what: string, first: string): void {
    const known = this.problems.get(what)
    if (known === undefined) this.problems.set(what, { count: 1, first })
    else known.count++
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

function urlOf(host: string, port: number): { url: string; host: string } {
  return { host, url: `https://${host}:${port}/` }
}

/**
 * Returns an unusual URL: cleartext to a TLS port, an address, or a name with a trailing dot. At
 * best it is answered, and never over a shared connection.
 */
function oddUrl(random: Random, port: number): { url: string; host: string } {
  const host = pick(random, HOSTS)
  const kind = below(random, 3)
  if (kind === 0) return { host, url: `http://${host}:${port}/` }
  if (kind === 1) return urlOf(pick(random, ADDRESSES), port)
  return urlOf(`${host}.`, port)
}
