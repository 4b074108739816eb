/**
 * The tables of docs/reference/options.md: defaults, ranges and units from the schemas, sentences from the TSDoc of the interfaces. A member
 * without a row is refused by TypeScript, one without a sentence here.
 */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { OptionRow } from '@unshard/core/internal'
import ts from 'typescript'

/** An options object: where its interface and its schema are. */
interface OptionsObject {
  /** Heading of the page. */
  readonly title: string
  /** Source file below packages, without `.ts`. */
  readonly file: string
  readonly interface: string
  readonly schema: string
  /** Files of other interfaces whose members it has. */
  readonly inherits?: readonly (readonly [file: string, name: string])[]
  /** The page leaves rows out that another table has. */
  readonly without?: readonly string[]
}

const POOL = ['core/src/settings/pool-settings', 'PoolSettings'] as const
const EXTENSIONS = ['adapters/src/fetch/extensions', 'FetchExtensions'] as const

/** Every options object, in the order of the page. */
export const OBJECTS: readonly OptionsObject[] = [
  {
    title: 'Client',
    file: 'core/src/client/options',
    interface: 'ClientOptions',
    schema: 'CLIENT_OPTIONS',
    inherits: [POOL],
    without: [POOL[1]],
  },
  {
    title: 'Pool',
    file: 'core/src/client/pool-options',
    interface: 'PoolOptions',
    schema: 'POOL_SCHEMA',
    inherits: [POOL],
  },
  { title: 'keepalive', file: POOL[0], interface: 'KeepaliveOptions', schema: 'KEEPALIVE_OPTIONS' },
  { title: 'addressPolicy', file: 'core/src/message/address-policy', interface: 'AddressRules', schema: 'ADDRESS_RULES' },
  { title: 'reconnectBackoff', file: POOL[0], interface: 'BackoffOptions', schema: 'BACKOFF_OPTIONS' },
  { title: 'tcpKeepAlive', file: 'core/src/client/options', interface: 'TcpKeepAliveOptions', schema: 'TCP_KEEPALIVE_OPTIONS' },
  { title: 'timeouts', file: 'core/src/message/request-options', interface: 'Timeouts', schema: 'TIMEOUT_OPTIONS' },
  { title: 'retry', file: 'core/src/message/request-options', interface: 'RetryPolicy', schema: 'RETRY_OPTIONS' },
  {
    title: 'tls',
    file: 'core/src/connect/tls/tls-options',
    interface: 'TlsOptions',
    schema: 'CLIENT_TLS_OPTIONS',
    inherits: [['core/src/connect/tls/tls-options', 'ClientTlsOptions']],
  },
  { title: 'proxy', file: 'core/src/connect/proxy/proxy-options', interface: 'ProxyOptions', schema: 'PROXY_OPTIONS' },
  { title: 'client.request()', file: 'core/src/message/request-options', interface: 'RequestOptions', schema: 'REQUEST_OPTIONS' },
  { title: 'priority', file: 'core/src/message/priority', interface: 'Priority', schema: 'PRIORITY_OPTIONS' },
  { title: 'client.connect()', file: 'core/src/client/connection-handle', interface: 'HandleOptions', schema: 'HANDLE_OPTIONS' },
  {
    title: 'client.get() and the other verbs',
    file: 'core/src/client/verbs',
    interface: 'VerbOptions',
    schema: 'VERB_OPTIONS',
    inherits: [['core/src/message/request-options', 'RequestOptions']],
    without: ['RequestOptions'],
  },
  {
    title: 'client.with()',
    file: 'core/src/client/request-defaults',
    interface: 'RequestDefaults',
    schema: 'DEFAULTS_OPTIONS',
    inherits: [['core/src/message/request-options', 'RequestOptions']],
  },
  { title: 'client.ping()', file: 'core/src/client/method-options', interface: 'PingOptions', schema: 'PING_OPTIONS' },
  { title: 'an origin of client.warm()', file: 'core/src/client/method-options', interface: 'WarmTarget', schema: 'WARM_TARGET' },
  { title: 'client.close()', file: 'core/src/client/method-options', interface: 'CloseOptions', schema: 'CLOSE_OPTIONS' },
  {
    title: 'client.warm() and client.explain()',
    file: 'core/src/client/method-options',
    interface: 'IsolationOptions',
    schema: 'ISOLATION_OPTIONS',
  },
  { title: 'client.pools.resize()', file: 'core/src/client/client-pools', interface: 'ResizeOptions', schema: 'RESIZE_OPTIONS' },
  { title: 'coalescing()', file: 'coalescing/src/options', interface: 'CoalescingOptions', schema: 'COALESCING_OPTIONS' },
  {
    title: 'createFetch() and fetch.with()',
    file: 'adapters/src/fetch/defaults',
    interface: 'FetchDefaults',
    schema: 'DEFAULTS_OPTIONS',
    inherits: [EXTENSIONS],
    without: [EXTENSIONS[1]],
  },
  { title: 'init.unshard of fetch', file: EXTENSIONS[0], interface: EXTENSIONS[1], schema: 'EXTENSION_OPTIONS' },
  {
    title: 'readEvents()',
    file: 'adapters/src/events/event-stream',
    interface: 'ReadEventsOptions',
    schema: 'READ_EVENTS_OPTIONS',
  },
  {
    title: 'streamEvents()',
    file: 'adapters/src/events/stream-events',
    interface: 'StreamEventsOptions',
    schema: 'STREAM_EVENTS_OPTIONS',
    inherits: [['adapters/src/events/event-stream', 'ReadEventsOptions']],
  },
  {
    title: 'sendFile()',
    file: 'adapters/src/streams/send-file',
    interface: 'SendFileOptions',
    schema: 'SEND_FILE_OPTIONS',
    inherits: [['adapters/src/streams/source-file', 'FileRange']],
  },
  {
    title: 'receiveFile()',
    file: 'adapters/src/streams/receive-file',
    interface: 'ReceiveFileOptions',
    schema: 'RECEIVE_FILE_OPTIONS',
  },
  {
    title: 'channel() of unshard/grpc',
    file: 'adapters/src/grpc/channel/channel-settings',
    interface: 'ChannelOwnOptions',
    schema: 'CHANNEL_OWN_OPTIONS',
  },
  {
    title: 'grpcClient()',
    file: 'adapters/src/grpc/client/options',
    interface: 'GrpcClientOptions',
    schema: 'GRPC_CLIENT_OPTIONS',
  },
  {
    title: 'Calls of grpcClient()',
    file: 'adapters/src/grpc/client/options',
    interface: 'GrpcCallOptions',
    schema: 'GRPC_CALL_OPTIONS',
  },
  {
    title: 'recordHar()',
    file: 'adapters/src/har/options',
    interface: 'RecordHarOptions',
    schema: 'RECORD_HAR_OPTIONS',
  },
  { title: 'redact of recordHar()', file: 'adapters/src/har/options', interface: 'RedactOptions', schema: 'REDACT_OPTIONS' },
  { title: 'bodies of recordHar()', file: 'adapters/src/har/options', interface: 'BodiesOptions', schema: 'BODIES_OPTIONS' },
  {
    title: 'waterfallPage()',
    file: 'adapters/src/inspect/options',
    interface: 'WaterfallPageOptions',
    schema: 'WATERFALL_PAGE_OPTIONS',
  },
  { title: 'inspect()', file: 'adapters/src/inspect/options', interface: 'InspectOptions', schema: 'INSPECT_OPTIONS' },
  {
    title: 'Dispatcher of unshard/undici',
    file: 'adapters/src/undici/dispatcher',
    interface: 'DispatcherOptions',
    schema: 'DISPATCHER_OPTIONS',
  },
  {
    title: 'throwOnStatus()',
    file: 'adapters/src/interceptors/throw-on-status',
    interface: 'ThrowOnStatusOptions',
    schema: 'THROW_ON_STATUS_OPTIONS',
  },
  {
    title: 'retry()',
    file: 'adapters/src/interceptors/retry',
    interface: 'RetryOptions',
    schema: 'RETRY_INTERCEPTOR_OPTIONS',
    inherits: [['core/src/message/request-options', 'RetryPolicy']],
  },
  {
    title: 'rateLimit()',
    file: 'adapters/src/interceptors/rate-limit',
    interface: 'RateLimitOptions',
    schema: 'RATE_LIMIT_OPTIONS',
  },
  { title: 'hedge()', file: 'adapters/src/interceptors/hedge', interface: 'HedgeOptions', schema: 'HEDGE_OPTIONS' },
  { title: 'dedupe()', file: 'adapters/src/interceptors/dedupe', interface: 'DedupeOptions', schema: 'DEDUPE_OPTIONS' },
  {
    title: 'circuitBreaker()',
    file: 'adapters/src/interceptors/circuit-breaker',
    interface: 'CircuitBreakerOptions',
    schema: 'CIRCUIT_BREAKER_OPTIONS',
  },
  {
    title: 'digestAuth()',
    file: 'adapters/src/interceptors/digest-auth',
    interface: 'DigestAuthOptions',
    schema: 'DIGEST_AUTH_OPTIONS',
  },
  { title: 'netrc()', file: 'adapters/src/interceptors/netrc', interface: 'NetrcOptions', schema: 'NETRC_OPTIONS' },
  { title: 'bearer()', file: 'adapters/src/interceptors/bearer', interface: 'BearerOptions', schema: 'BEARER_OPTIONS' },
  {
    title: 'basicAuth()',
    file: 'adapters/src/interceptors/basic-auth',
    interface: 'BasicAuthOptions',
    schema: 'BASIC_AUTH_OPTIONS',
  },
  {
    title: 'instrument()',
    file: 'adapters/src/opentelemetry/instrument',
    interface: 'InstrumentOptions',
    schema: 'INSTRUMENT_OPTIONS',
  },
  {
    title: 'createConnectTransport()',
    file: 'adapters/src/connect/transport-options',
    interface: 'ConnectTransportOptions',
    schema: 'CONNECT_TRANSPORT_OPTIONS',
    inherits: [['adapters/src/connect/transport-options', 'RpcTransportOptions']],
  },
  {
    title: 'createGrpcTransport(), createGrpcWebTransport()',
    file: 'adapters/src/connect/transport-options',
    interface: 'RpcTransportOptions',
    schema: 'RPC_TRANSPORT_OPTIONS',
  },
  { title: 'collect()', file: 'adapters/src/prometheus/collect', interface: 'CollectOptions', schema: 'COLLECT_OPTIONS' },
  {
    title: 'requestHandler()',
    file: 'adapters/src/smithy/request-handler',
    interface: 'RequestHandlerOptions',
    schema: 'REQUEST_HANDLER_OPTIONS',
  },
]

/** Documentation of one member. */
export interface MemberDoc {
  /** First sentence. */
  readonly sentence: string
  /** Text of `@default`. */
  readonly fallback: string | undefined
  readonly internal: boolean
}

const PACKAGES = new URL('../../../', import.meta.url)

/** Documentation of the members of an interface, by name. */
export function docsOf(file: string, name: string): Map<string, MemberDoc> {
  const path = fileURLToPath(new URL(`${file}.ts`, PACKAGES))
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
  const found = new Map<string, MemberDoc>()
  for (const statement of source.statements) {
    if (!ts.isInterfaceDeclaration(statement) || statement.name.text !== name) continue
    for (const member of statement.members) {
      const comment = ts.getTextOfJSDocComment(ts.getJSDocCommentsAndTags(member).find(ts.isJSDoc)?.comment) ?? ''
      const tags = ts.getJSDocTags(member)
      const fallback = tags.find(({ tagName }) => tagName.text === 'default')?.comment
      found.set(member.name?.getText() ?? '', {
        sentence: firstSentence(comment),
        fallback: ts.getTextOfJSDocComment(fallback),
        internal: tags.some(({ tagName }) => tagName.text === 'internal'),
      })
    }
  }
  return found
}

function firstSentence(comment: string): string {
  const text = comment
    .replace(/\s+/g, ' ')
    .replaceAll(/\{@link (\w+)\}/g, '`$1`')
    .trim()
  return /^.*?[^.][.](?= [A-Z`]|$)/.exec(text)?.[0] ?? text
}

/** The default of a row as the page and `@default` have it. */
export function shownDefault(row: OptionRow): string {
  return typeof row.default === 'number' ? row.default.toLocaleString('en-US') : row.default
}

function shownRange(row: OptionRow): string {
  if (!('least' in row)) return row.takes
  const most = row.most === Number.MAX_SAFE_INTEGER ? ' or more' : ` to ${row.most.toLocaleString('en-US')}`
  return `${row.least.toLocaleString('en-US')}${most}${row.unit === '' ? '' : ` ${row.unit}`}`
}

/** The schema of an options object, from the built package. */
export async function schemaOf({ file, schema }: OptionsObject): Promise<Readonly<Record<string, OptionRow>>> {
  const module = (await import(new URL(`${file.replace('/src/', '/dist/')}.js`, PACKAGES).href)) as Record<string, unknown>
  return module[schema] as Readonly<Record<string, OptionRow>>
}

/** All documented members of an options object. */
export function allDocs({ file, interface: name, inherits = [] }: OptionsObject): Map<string, MemberDoc> {
  return new Map([...inherits.flatMap((each) => [...docsOf(...each)]), ...docsOf(file, name)])
}

/** The lines of the page, a section for each object. */
export async function optionLines(): Promise<string[]> {
  const lines: string[] = []
  for (const object of OBJECTS) {
    const docs = allDocs(object)
    const elsewhere = new Set(
      object.without
        ?.flatMap((name) => object.inherits?.filter(([, each]) => each === name) ?? [])
        .flatMap((each) => [...docsOf(...each).keys()]),
    )
    lines.push(`## ${object.title}`, '', '| option | takes | default | |', '| --- | --- | --- | --- |')
    for (const [name, row] of Object.entries(await schemaOf(object))) {
      const doc = docs.get(name)
      if (doc?.internal === true || elsewhere.has(name)) continue
      lines.push(
        `| \`${name}\` | ${shownRange(row)} | ${shownDefault(row)} | ${(doc?.sentence ?? 'As in `tls.connect`.').replaceAll('|', '\\|')} |`,
      )
    }
    lines.push('')
  }
  return lines.slice(0, -1)
}
