/**
 * Node's own `fetch`, over HTTP/1.1 with as many connections as it opens. It trusts
 * NODE_EXTRA_CA_CERTS.
 */

import { always, type Library } from '../competitor.js'
import { fetchSession } from './fetches.js'

export const builtInFetch: Library = {
  name: 'built-in fetch',
  protocol: 'http/1.1',
  available: always,
  start: (target) =>
    Promise.resolve(
      fetchSession(
        target,
        (url, init) => fetch(url, init),
        () => undefined,
      ),
    ),
}
