// Certificates are verified by Node's own TLS, which accepts or refuses them as intended.
import net from 'node:net'
import tls from 'node:tls'
import { type Authority, type Credentials, createAuthority } from '@unshard/testkit'

let authority: Authority
beforeAll(async () => {
  authority = await createAuthority()
})

/** Resolves with undefined if the client accepts, with its error's code if not. */
async function handshake(
  server: Credentials,
  servername: string,
  client: tls.ConnectionOptions = {},
): Promise<string | undefined> {
  const listener = tls.createServer({ ...server, ca: authority.ca, requestCert: true, rejectUnauthorized: false })
  let clientAccepted = false
  listener.on('secureConnection', (socket) => {
    clientAccepted = socket.authorized
    socket.end()
  })
  await new Promise<void>((resolve) => {
    listener.listen(0, '127.0.0.1', resolve)
  })
  const { port } = listener.address() as net.AddressInfo
  // An IP address is checked as such and is never sent as a server name.
  const host = net.isIP(servername) ? { host: servername } : { host: '127.0.0.1', servername }
  const code = await new Promise<string | undefined>((resolve) => {
    const socket = tls.connect({ ...host, port, ca: authority.ca, ...client })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    socket
      .resume()
      .once('end', () => resolve(client.cert === undefined ? undefined : `client certificate accepted: ${clientAccepted}`))
  })
  await new Promise((resolve) => {
    listener.close(resolve)
  })
  return code
}

test('a name, a wildcard and an IP address of the certificate are accepted; another name is not', async () => {
  const credentials = await authority.issue({ names: ['a.example.com', '*.b.example.com'], ips: ['127.0.0.1', '::1'] })
  expect(await handshake(credentials, 'a.example.com')).toBeUndefined()
  expect(await handshake(credentials, 'x.b.example.com')).toBeUndefined()
  expect(await handshake(credentials, '127.0.0.1')).toBeUndefined()
  expect(await handshake(credentials, 'c.example.com')).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
})

test('both address families are in the subjectAltName', async () => {
  const { cert } = await authority.issue({ names: ['a.example.com'], ips: ['127.0.0.1', '2001:db8::1'] })
  const names = new (await import('node:crypto')).X509Certificate(cert).subjectAltName
  expect(names).toBe('DNS:a.example.com, IP Address:127.0.0.1, IP Address:2001:DB8:0:0:0:0:0:1')
})

test('an expired certificate and one of an unknown authority are refused', async () => {
  const expired = await authority.issue({ names: ['a.example.com'], notBefore: new Date(2020, 1), notAfter: new Date(2021, 1) })
  expect(await handshake(expired, 'a.example.com')).toBe('CERT_HAS_EXPIRED')
  const stranger = await (await createAuthority()).issue({ names: ['a.example.com'] })
  expect(await handshake(stranger, 'a.example.com')).toMatch(/UNABLE_TO_VERIFY_LEAF_SIGNATURE|CERT_SIGNATURE_FAILURE/)
})

test('without a subjectAltName only the common name matches', async () => {
  const credentials = await authority.issue({ names: [], commonName: 'a.example.com', noSubjectAltName: true })
  expect(await handshake(credentials, 'a.example.com')).toBeUndefined()
  expect(await handshake(credentials, 'b.example.com')).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
})

test('clientAuth creates a certificate that servers accept from a client', async () => {
  const server = await authority.issue({ names: ['a.example.com'] })
  const client = await authority.issue({ names: [], commonName: 'alice', clientAuth: true })
  expect(await handshake(server, 'a.example.com', client)).toBe('client certificate accepted: true')
  const notForClients = await authority.issue({ names: [], commonName: 'bob' })
  expect(await handshake(server, 'a.example.com', notForClients)).toBe('client certificate accepted: false')
})
