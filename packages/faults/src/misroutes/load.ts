/** Requests at random through several clients, and the judgement of every delivery that the servers tell of. */

import { coalescing } from '@unshard/coalescing'
import { Client, type ClientOptions, type HttpResponse, type ReusePolicy, UnshardError } from '@unshard/core'
import type { Credentials } from '@unshard/testkit'
import { below, pick, type Random } from '../random.js'
import { CONNECTION_FIELD, DELAY_FIELD, ID_FIELD, type Seen } from './messages.js'
import { type Asked, credentialOf, Model } from './model.js'
import { ADDRESSES, BUSY_HOSTS, CLIENTS, HOSTS, KEPT_APART, TAGS } from './plan.js'
import type { World } from './world.js'

const TIMEOUTS = { connect: 3_000, queue: 5_000, headers: 5_000, body: 5_000, total: 10_000 }
/** After which the servers have told all there is of a request. */
const TOLD_MS = 3_000
const FORTY_DAYS_MS = 40 * 86_400_000
/** Of requests: those for a URL that nothing may be shared for, and those whose answer is held back. */
const ODD_PART = 0.003
const SLOW_PART = 0.05
const SLOWEST_MS = 20
const POST_PART = 0.3
const BUSY_PART = 0.75

/** Something wrong, how often, and where it was seen first. */
export interface Noted {
  count: number
  readonly first: string
}

interface UnderWay extends Asked {
  readonly method: 'GET' | 'POST'
  /** Deliveries that were not turned away. */
  deliveries: number
  /** Connections on which it was told 421. */
  readonly turnedAway: number[]
  /** What the caller got, where it was 421. */
  status: number
  settledAtMs: number | undefined
  /** The error that the caller got says that nothing was done. */
  unprocessed: boolean
}

export interface LoadParts {
  readonly world: World
  readonly random: Random
  readonly port: number
  readonly ca: string
  /** Of the servers' certificates, in their order. */
  readonly fingerprints: readonly string[]
  /** For the client that has one. */
  readonly certificate: Credentials
}

export class Load {
  /** What is wrong, by what it is. */
  readonly wrong: Map<string, Noted> = new Map()
  /** `because` of every answer. */
  readonly because: Map<string, number> = new Map()
  /** Why the policy refused a connection, and how often. */
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
  readonly #underWay = new Map<number, UnderWay>()
  #settled: UnderWay[] = []
  #number = 0

  constructor(parts: LoadParts) {
    this.#parts = parts
    this.#clients = CLIENTS.map((_, client) => this.#newClient(client))
  }

  get requests(): number {
    return this.#number
  }

  /** One request, to its end. */
  async one(): Promise<void> {
    const { random, port } = this.#parts
    const id = ++this.#number
    const client = this.#pickClient()
    const tag = pick(random, TAGS)
    const { url, host } =
      random() < ODD_PART ? oddUrl(random, port) : urlOf(pick(random, random() < BUSY_PART ? BUSY_HOSTS : HOSTS), port)
    const method = random() < POST_PART ? 'POST' : 'GET'
    const request: UnderWay = {
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
      this.#heard(response)
      this.#answered(request, response, await response.text())
    } catch (error) {
      this.#failed(request, error)
    }
    this.#over(request)
  }

  /** What the servers tell. */
  seen({ connections, deliveries }: Seen): void {
    for (const connection of connections) this.model.connected(connection)
    for (const [id, connection, host, credential, status, post] of deliveries) {
      this.deliveries++
      if (status === 421) this.misdirected++
      const request = this.#underWay.get(id)
      if (request === undefined) {
        this.#note('a delivery of what nobody asked for', `${id} to ${host}`)
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
      const what = `request ${id} of client ${name}, tag ${request.tag}, for ${host}, whose resolver last led there ${age} ms before`
      this.#note(`misroute ${broken}`, `${what}, at ${this.model.describe(connection)}`)
    }
    this.#forget(Date.now() - TOLD_MS)
  }

  /** Everything has been told: the last accounts are closed. */
  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()))
    this.#forget(Number.POSITIVE_INFINITY)
    if (this.#underWay.size > 0) this.#note('requests that never settled', `${this.#underWay.size}`)
  }

  #newClient(client: number): Client {
    const { world, ca, certificate } = this.#parts
    const { alone } = CLIENTS[client]!
    const lookup = world.lookup((host, addresses) => this.model.answered(client, host, addresses, Date.now()))
    const late = { clock: { now: () => Date.now() + FORTY_DAYS_MS } }
    const policy = coalescing({ deny: [...KEPT_APART], ...(alone === 'certificate-expired' && late) })
    const tls: ClientOptions['tls'] = {
      ...(alone === 'unauthorized' ? { rejectUnauthorized: false } : { ca }),
      ...(alone === 'client-certificate' && certificate),
      ...(client === 1 && { minVersion: 'TLSv1.3' }),
    }
    return new Client({ tls, lookup, timeouts: TIMEOUTS, reuse: this.#watched(client, policy) })
  }

  /** The same policy, with a count of what it refuses, and a word to the model when a 421 has been read. */
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

  /** Whatever came before the response on its connection has been read: ORIGIN, for one. */
  #heard(response: HttpResponse): void {
    const connection = Number(response.headers.get(CONNECTION_FIELD))
    if (connection > 0) this.model.heard(connection, Date.now())
  }

  #answered(request: UnderWay, response: HttpResponse, text: string): void {
    const { id, host } = request
    const { coalesced, because } = response.connection
    this.answered++
    if (coalesced) this.coalesced++
    count(this.because, because)
    if (response.status !== 200) this.#note(`${response.status} was the answer`, `to ${id} for ${host}`)
    // A dot at the end is in no handshake (RFC 6066 §3), and so not in a gateway's answer.
    else if (text.replace('. ', ' ') !== `${host.replace(/\.$/, '')} ${id}` || response.headers.get(ID_FIELD) !== String(id)) {
      this.#note("somebody else's answer", `${JSON.stringify(text)} to ${id} for ${host}`)
    }
  }

  #failed(request: UnderWay, error: unknown): void {
    if (!(error instanceof UnshardError)) return this.#note('an error that is none of ours', String((error as Error)?.stack))
    request.unprocessed = error.processed === 'no'
    count(this.errors, error.code)
  }

  #over(request: UnderWay): void {
    request.settledAtMs = Date.now()
    this.#settled.push(request)
  }

  /** Closes the accounts of requests that had settled by then. */
  #forget(beforeMs: number): void {
    let gone = 0
    for (const request of this.#settled) {
      if (request.settledAtMs! > beforeMs) break
      gone++
      this.#underWay.delete(request.id)
      const { id, method, deliveries, unprocessed, status, turnedAway } = request
      // The second try is on a connection of the host's own, and there these servers never say it.
      if (status === 421) {
        const where = turnedAway.map((connection) => this.model.describe(connection))
        this.#note('421 was the answer', `to ${method} ${id} for ${request.host}, told by ${where.join(' and ')}`)
      }
      if (deliveries > (method === 'POST' ? 1 : 3)) this.#note(`a ${method} delivered ${deliveries} times`, `${id}`)
      if (unprocessed && deliveries > 0) this.#note('delivered, and "processed" is "no"', `${method} ${id}`)
    }
    this.#settled = this.#settled.slice(gone)
  }

  #note(what: string, first: string): void {
    const known = this.wrong.get(what)
    if (known === undefined) this.wrong.set(what, { count: 1, first })
    else known.count++
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

function urlOf(host: string, port: number): { url: string; host: string } {
  return { host, url: `https://${host}:${port}/` }
}

/** Cleartext to a TLS port, an address, a name with a dot at its end: at best they are answered, and never over what somebody else has. */
function oddUrl(random: Random, port: number): { url: string; host: string } {
  const host = pick(random, HOSTS)
  const kind = below(random, 3)
  if (kind === 0) return { host, url: `http://${host}:${port}/` }
  if (kind === 1) return urlOf(pick(random, ADDRESSES), port)
  return urlOf(`${host}.`, port)
}
