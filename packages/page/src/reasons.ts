/** A plain sentence for each reason of docs/reference/reasons.md: why this connection served the request. */

/** Reasons that let a connection serve a further host. */
const GRANTS: Readonly<Record<string, string>> = {
  'address-and-certificate': 'The host leads to the address of this connection, and its certificate covers the host.',
  'origin-set-and-certificate': 'The server declared the host for this connection, and its certificate covers the host.',
  'declared-and-certificate': 'You declared that one server serves these hosts, and its certificate covers this one.',
  'handshake-under-way': 'The request waited for a connection that was being opened to its address.',
}

/** Reasons why the request got a connection of its own, as the end of a sentence. */
const REFUSALS: Readonly<Record<string, string>> = {
  'coalescing-off': 'coalescing is off',
  'denied-by-option': 'the option deny names one of the hosts',
  'not-https': 'only https URLs can share a connection',
  'ip-literal': 'the host is an IP address',
  'not-a-dns-name': 'the host is not a DNS name',
  'port-differs': 'the ports differ',
  'not-h2': 'the server of the open connection speaks only HTTP/1.1',
  'settings-outstanding': 'the limits of the open connection were not known yet',
  draining: 'the open connection was closing',
  'no-capacity': 'the server allows no requests on the open connection',
  'options-differ': 'the options of the two requests differ',
  'client-certificate': 'the open connection has a client certificate',
  unauthorized: 'the certificate of the open connection could not be verified',
  'verification-off': 'certificates are not verified',
  'certificate-unknown': 'the certificate of the open connection is not known',
  'certificate-expired': 'the certificate of the open connection has expired',
  'certificate-does-not-cover-host': 'the certificate of the open connection does not cover the host',
  'wildcard-on-public-suffix': 'only a wildcard for a whole public suffix covers the host',
  'wildcard-not-declared': 'only a wildcard covers the host, and you have not declared the hosts together',
  proxied: 'the connection leads through a proxy, and you have not declared the hosts together',
  'addresses-unknown': 'the addresses of the hosts are not known',
  'address-differs': 'the host leads to another address',
  'private-address': 'the address is private, and the two hosts do not agree on it',
  'no-origin-frame': 'the server has not declared which hosts it serves',
  'not-in-origin-set': 'the server has not declared this host',
  'misdirected-before': 'the server has refused this host on that connection before',
}

/** Reasons of the pool: whole sentences. */
const POOL: Readonly<Record<string, string>> = {
  'first-connection': 'No connection was open, so this one was opened.',
  busy: 'The open connections had no room for the request, so another one was opened.',
  intercepted: 'An interceptor made the response without a connection.',
  'past-its-age': 'The open connection had reached its maximum age, so another one was opened.',
  'handshake-too-slow': 'The request waited for a handshake for too long, so another connection was opened.',
  'connection-close': 'The request asked for a connection of its own.',
  'unix-socket': 'A Unix socket is never shared between origins.',
  'policy-failed': 'The reuse policy of the program failed, so another connection was opened.',
}

/** Returns the sentence of a reason; empty without a reason. */
export function sentenceOf(because: string): string {
  if (because === '') return ''
  if (Object.hasOwn(GRANTS, because)) return GRANTS[because]!
  if (Object.hasOwn(POOL, because)) return POOL[because]!
  if (Object.hasOwn(REFUSALS, because)) return `No open connection could be shared, because ${REFUSALS[because]}.`
  return `The reuse policy of the program gave the reason ${because}.`
}
