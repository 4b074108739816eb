/** The environment of cases: one protocol over one kind of connection. */

import * as connect from '@connectrpc/connect'
import * as node from '@connectrpc/connect-node'
import { createClient } from 'unshard'
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from 'unshard/connect'
import { startServer } from './server.mjs'
import { Service } from './service.mjs'

const OURS = {
  connect: createConnectTransport,
  grpc: createGrpcTransport,
  'grpc-web': createGrpcWebTransport,
}
const PEERS = {
  connect: node.createConnectTransport,
  grpc: node.createGrpcTransport,
  'grpc-web': node.createGrpcWebTransport,
}
/** A certificate is for several names, so that clients share a connection. */
const tls = { ca: process.env.CA }
const lookup = (_host, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }])

/** Creates a client that connects to this machine. */
export function clientOf(options = {}) {
  return createClient({ tls, lookup, ...options })
}

/** The methods of the service over a transport. */
export function callsOver(transport) {
  return (connect.createClient ?? connect.createPromiseClient)(Service, transport)
}

/** Options for the transports of connect-node: with `PEER`, the cases are about those. */
function ofPeer(kind) {
  const toLocal = (host, given, callback) =>
    lookup(host, given, (error, list) => (given.all ? callback(error, list) : callback(error, list[0].address, list[0].family)))
  return { httpVersion: kind === 'h2' ? '2' : '1.1', nodeOptions: { ...tls, lookup: toLocal } }
}

/** Creates a transport over HTTP/2 with a client of its own. */
export function transportTo(protocol, baseUrl) {
  const isPeer = process.env.PEER !== undefined
  return isPeer ? PEERS[protocol]({ baseUrl, ...ofPeer('h2') }) : OURS[protocol](clientOf(), { baseUrl })
}

/** Creates the environment. @param http `h2`, `http/1.1`, or `shared`: a connection that was opened for another host. */
export async function createWorld(protocol, http) {
  const kind = http === 'http/1.1' ? http : 'h2'
  const server = await startServer(kind)
  const newClient = (options) => clientOf({ ...(kind === 'http/1.1' && { protocols: ['http/1.1'] }), ...options })
  const client = newClient()
  const origin = (host = 'a') => `https://${host}.test.example:${server.port}`
  if (http === 'shared') await client.warm([origin('z')])
  const create = (given, options) =>
    process.env.PEER === undefined
      ? OURS[protocol](given, { baseUrl: origin(), ...options })
      : PEERS[protocol]({ baseUrl: origin(), ...ofPeer(kind), ...options })
  return {
    protocol,
    http,
    isDuplex: kind === 'h2',
    server,
    client,
    newClient,
    origin,
    calls: Object.assign((options, given = client) => callsOver(create(given, options)), { client }),
    close: async () => {
      client.destroy()
      await server.close()
    },
  }
}
