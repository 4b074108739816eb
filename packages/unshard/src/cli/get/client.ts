/** Client options from the options of the command line: where to connect, trust, and deadlines. */

import { isIP } from 'node:net'
import { coalescing } from '@unshard/coalescing'
import { type ClientOptions, type ProxyOption, sameOrigin, type TlsOptions } from '@unshard/core'
import { NoProxy } from '@unshard/core/internal'
import { CommandError, invalidValue } from '../errors.js'
import { fileOf, millisecondsOf, withScheme } from '../values.js'
import type { Dials } from './dials.js'
import { Exit } from './exit-codes.js'
import type { GetValues } from './options.js'

/** curl's port of a proxy without one. */
const PROXY_PORT = '1080'

/** Returns the options of the client. @throws CommandError. */
export function clientOptionsOf(values: GetValues, dials: Dials): ClientOptions {
  const { connectTimeout, unixSocket } = values
  const localAddress = values.interface
  if (localAddress !== undefined && isIP(localAddress) === 0) throw invalidValue('--interface', 'an IP address', localAddress)
  const connectMs = connectTimeout === undefined ? 0 : millisecondsOf('--connect-timeout', connectTimeout)
  const proxy = proxyOf(values)
  return {
    reuse: values.share && !dials.dependsOnPorts ? coalescing() : sameOrigin(),
    tls: tlsOf(values),
    // As in curl: without options there is no deadline, except the system's and five minutes to connect.
    timeouts: { connect: connectMs > 0 ? connectMs : 300_000, queue: 0 },
    ...protocolsOf(values),
    ...(proxy !== undefined && { proxy }),
    ...(unixSocket !== undefined && { socketPath: unixSocket }),
    ...(localAddress !== undefined && { localAddress }),
    ...dials.options,
  }
}

function protocolsOf(values: GetValues): Pick<ClientOptions, 'protocols' | 'cleartextProtocol'> {
  if (values['http1.1'] === true) return { protocols: ['http/1.1'] }
  return values.http2PriorKnowledge === true ? { protocols: ['h2'], cleartextProtocol: 'h2' } : {}
}

function tlsOf(values: GetValues): TlsOptions {
  const { cacert, cert, key, pass, insecure, pinnedpubkey, tlsMax, certType = 'PEM' } = values
  const [certFile, certPass] = cert === undefined ? [] : splitPassword(cert)
  const passphrase = pass ?? certPass
  if (certType !== 'PEM' && certType !== 'P12') throw invalidValue('--cert-type', 'PEM or P12', certType)
  const file = (option: string, path: string): Buffer => fileOf(option, path, Exit.CERTIFICATE_FILE)
  const isPem = certType === 'PEM'
  const keyFile = key ?? (isPem ? certFile : undefined)
  return {
    ...(cacert !== undefined && { ca: fileOf('--cacert', cacert, Exit.AUTHORITY_FILE) }),
    ...(certFile !== undefined && (isPem ? { cert: file('--cert', certFile) } : { pfx: file('--cert', certFile) })),
    ...(keyFile !== undefined && { key: file('--key', keyFile) }),
    ...(passphrase !== undefined && { passphrase }),
    ...(insecure === true && { rejectUnauthorized: false }),
    ...(pinnedpubkey !== undefined && { pins: pinnedpubkey.split(';').map((pin) => pin.replace('sha256//', '')) }),
    ...(values['tlsv1.3'] === true ? { minVersion: 'TLSv1.3' } : values['tlsv1.2'] === true ? { minVersion: 'TLSv1.2' } : {}),
    ...(tlsMax !== undefined && { maxVersion: maxVersionOf(tlsMax) }),
  }
}

function maxVersionOf(text: string): 'TLSv1.2' | 'TLSv1.3' {
  if (text === '1.2' || text === '1.3') return `TLSv${text}`
  throw invalidValue('--tls-max', '1.2 or 1.3', text)
}

/** Splits `file:password`; a colon in the name of a file is written `\:`. */
function splitPassword(text: string): [file: string, password: string | undefined] {
  for (let at = text.indexOf(':'); at !== -1; at = text.indexOf(':', at + 1)) {
    if (text[at - 1] !== '\\') return [text.slice(0, at).replaceAll('\\:', ':'), text.slice(at + 1)]
  }
  return [text.replaceAll('\\:', ':'), undefined]
}

/** As in curl: the environment, unless there is `--proxy`; `--noproxy` names hosts without one. */
function proxyOf({ proxy, proxyUser, noproxy }: GetValues): ProxyOption | undefined {
  if (proxy === '') return undefined
  if (proxy === undefined && noproxy === undefined && proxyUser === undefined) return 'env'
  const fixed = proxy === undefined ? undefined : proxyUrl(proxy, proxyUser)
  const except = new NoProxy(noproxy ?? process.env['no_proxy'] ?? process.env['NO_PROXY'] ?? '')
  return (origin) => {
    const { hostname, port, protocol } = new URL(origin)
    const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
    if (except.matches(host, Number(port) || (protocol === 'https:' ? 443 : 80))) return undefined
    if (fixed !== undefined) return fixed
    const text = environmentProxy(protocol)
    return text === undefined ? undefined : proxyUrl(text, proxyUser)
  }
}

function environmentProxy(protocol: string): string | undefined {
  const { env } = process
  const own = protocol === 'https:' ? env['https_proxy'] || env['HTTPS_PROXY'] : env['http_proxy']
  return own || env['all_proxy'] || env['ALL_PROXY'] || undefined
}

function proxyUrl(text: string, user: string | undefined): string {
  const whole = withScheme(text, 'http')
  if (!URL.canParse(whole)) throw new CommandError('--proxy is not a valid URL', Exit.RESOLVE_PROXY)
  const url = new URL(whole.replace(/^socks:/, 'socks4:'))
  // A port that is the default of the scheme is absent from the URL.
  if (url.port === '' && !hasPort(text)) url.port = url.protocol === 'https:' ? '443' : PROXY_PORT
  if (user !== undefined) {
    const colon = user.indexOf(':')
    url.username = encodeURIComponent(colon === -1 ? user : user.slice(0, colon))
    url.password = encodeURIComponent(colon === -1 ? '' : user.slice(colon + 1))
  }
  return url.href
}

/** Whether a URL or an authority ends in a port. */
function hasPort(text: string): boolean {
  const authority = text.endsWith('/') ? text.slice(0, -1) : text
  const port = authority.slice(authority.lastIndexOf(':') + 1)
  return port !== '' && [...port].every((digit) => digit >= '0' && digit <= '9')
}
