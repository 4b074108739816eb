/** The metrics of one registry. They have no values of their own, except the histogram: each collection reads the clients. */

import { type ClientStats, UsageError } from '@unshard/core'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

type Labels = Readonly<Record<string, string | number>>

/** One value of a metric. */
type Sample = readonly [labels: Labels, count: number]

/** How the values of a metric are read from the statistics of a client. */
interface MetricRow {
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly read: (stats: ClientStats) => Iterable<Sample>
}

/** A request that is over. */
export interface EndedRequest {
  /** Labels of the client. */
  readonly labels: Labels
  readonly method: string
  /** The status, or `error`. */
  readonly status: string
  readonly seconds: number
  readonly receivedBytes: number
  readonly sentBytes: number
}

/** Takes the requests that are over. */
export interface RequestRecorder {
  ended(request: EndedRequest): void
}

/** A client whose statistics are read. */
interface Source {
  readonly labels: Labels
  stats(): ClientStats
}

const NO_LABELS: Labels = {}

const GAUGES: readonly MetricRow[] = [
  {
    name: 'open_connections',
    help: 'Open connections. A draining connection takes no new requests.',
    labels: ['origin', 'protocol', 'state'],
    read: ({ connections }) =>
      connections
        .filter(({ state }) => state !== 'closed')
        .map(({ origin, protocol, state, active }) => [
          { origin, protocol, state: state === 'draining' ? state : active > 0 ? 'active' : 'idle' },
          1,
        ]),
  },
  {
    name: 'queued_requests',
    help: 'Requests that wait for a connection or for capacity.',
    labels: ['origin'],
    read: ({ pools }) => pools.map(({ origin, queued }) => [{ origin }, queued]),
  },
  {
    name: 'pending_dials',
    help: 'Connections that are being dialed.',
    labels: ['origin'],
    read: ({ pools }) => pools.map(({ origin, dialing }) => [{ origin }, dialing]),
  },
]

/** A counter without labels. */
function total(name: string, help: string, read: (totals: ClientStats['totals']) => number): MetricRow {
  return { name, help, labels: [], read: ({ totals }) => [[NO_LABELS, read(totals)]] }
}

/** A counter with one label. */
function totals(
  name: string,
  label: string,
  help: string,
  read: (totals: ClientStats['totals']) => Readonly<Record<string, number>>,
): MetricRow {
  const samples = (counts: Readonly<Record<string, number>>): Sample[] =>
    Object.entries(counts).map(([key, count]) => [{ [label]: key }, count])
  return { name, help, labels: [label], read: (stats) => samples(read(stats.totals)) }
}

const COUNTERS: readonly MetricRow[] = [
  total('requests_total', 'Requests accepted.', ({ requests }) => requests),
  total('requests_finished_total', 'Requests whose whole response was received.', ({ finished }) => finished),
  totals('requests_failed_total', 'code', 'Requests that failed, by error code; aborted by the caller.', ({ failed }) => failed),
  total('requests_replayed_total', 'Requests sent again.', ({ replayed }) => replayed),
  total('requests_coalesced_total', 'Requests sent on a connection of another origin.', ({ coalesced }) => coalesced),
  total('requests_misdirected_total', 'Responses with 421 on connections of another origin.', ({ misdirected }) => misdirected),
  totals('connections_declined_total', 'reason', 'Connections refused for an origin, by reason.', ({ declined }) => declined),
  total('dials_total', 'Dials.', ({ dials }) => dials),
  totals('dials_failed_total', 'code', 'Dials that failed, by error code.', ({ failedDials }) => failedDials),
  total('tls_handshakes_total', 'TLS handshakes that succeeded.', ({ handshakes }) => handshakes),
  total('tls_handshakes_resumed_total', 'TLS handshakes that resumed a session.', ({ resumed }) => resumed),
  totals('connections_closed_total', 'reason', 'Connections closed, by reason.', ({ closed }) => closed),
  total('goaways_total', 'GOAWAY frames received.', ({ goaways }) => goaways),
]

/** Upper bounds of the histogram of durations, in seconds: those of OpenTelemetry. */
const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
const REQUEST_LABELS = ['method', 'status'] as const

/** Methods of RFC 9110, RFC 5789 and QUERY; others share a label, because they may come from untrusted input. */
const KNOWN_METHODS = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'QUERY', 'TRACE'])

/** Names of all metrics, without the prefix. */
const NAMES: readonly string[] = [...GAUGES, ...COUNTERS]
  .map(({ name }) => name)
  .concat('request_duration_seconds', 'received_bytes_total', 'sent_bytes_total')

/** The metrics of a registry with one prefix, for any number of clients. */
export class RegistryMetrics implements RequestRecorder {
  /** Names of the labels that metrics have by themselves. */
  static readonly OWN_LABELS: ReadonlySet<string> = new Set(
    [...GAUGES, ...COUNTERS].flatMap(({ labels }) => labels).concat(REQUEST_LABELS, 'le'),
  )
  /** Names of the labels of clients. */
  readonly labels: readonly string[]
  readonly #register: Registry
  readonly #sources = new Set<Source>()
  readonly #names: readonly string[]
  readonly #duration: Histogram
  readonly #received: Counter
  readonly #sent: Counter

  /** @throws UsageError `ERR_INVALID_OPTION` if the registry has a metric of one of the names. */
  constructor(register: Registry, prefix: string, labels: readonly string[]) {
    this.#names = NAMES.map((name) => prefix + name)
    const taken = this.#names.find((name) => register.getSingleMetric(name) !== undefined)
    if (taken !== undefined)
      throw new UsageError('ERR_INVALID_OPTION', `the registry has a metric ${taken} already: set the option prefix`)
    this.#register = register
    this.labels = labels
    const named = (name: string, help: string, own: readonly string[]) => ({
      name: prefix + name,
      help,
      labelNames: [...labels, ...own],
      registers: [register],
    })
    const fill = (metric: Gauge | Counter, read: MetricRow['read']): void => {
      metric.reset()
      for (const source of this.#sources)
        for (const [own, count] of read(source.stats())) metric.inc({ ...source.labels, ...own }, count)
    }
    for (const { name, help, labels: own, read } of GAUGES) {
      const gauge: Gauge = new Gauge({ ...named(name, help, own), collect: () => fill(gauge, read) })
    }
    for (const { name, help, labels: own, read } of COUNTERS) {
      const counter: Counter = new Counter({ ...named(name, help, own), collect: () => fill(counter, read) })
    }
    const duration = named(
      'request_duration_seconds',
      'Time from the start of a request to the end of its response.',
      REQUEST_LABELS,
    )
    this.#duration = new Histogram({ ...duration, buckets: REQUEST_SECONDS })
    this.#received = new Counter(named('received_bytes_total', 'Bytes of content received, before decoding.', []))
    this.#sent = new Counter(named('sent_bytes_total', 'Bytes of content sent.', []))
  }

  /** Adds a client. */
  add(source: Source): void {
    this.#sources.add(source)
  }

  /** Removes a client. @returns whether it was the last one: the metrics are unregistered then. */
  delete(source: Source): boolean {
    if (!this.#sources.delete(source) || this.#sources.size > 0) return false
    for (const name of this.#names) this.#register.removeSingleMetric(name)
    return true
  }

  ended({ labels, method, status, seconds, receivedBytes, sentBytes }: EndedRequest): void {
    const shown = KNOWN_METHODS.has(method) ? method : 'other'
    this.#duration.observe({ ...labels, method: shown, status }, seconds)
    if (receivedBytes > 0) this.#received.inc(labels, receivedBytes)
    if (sentBytes > 0) this.#sent.inc(labels, sentBytes)
  }
}
