/** Node's own `fetch`, over HTTP/1.1 with as many connections as it likes. Its trust comes from NODE_EXTRA_CA_CERTS. */

import { always, check, type Library } from '../competitor.js'

export const builtInFetch: Library = {
  name: 'built-in fetch',
  protocol: 'http/1.1',
  available: always,
  start(target) {
    const url = target.origin + target.path
    return Promise.resolve({
      async once() {
        const response = await fetch(url)
        check(target, response.status, await response.text())
      },
      close() {},
    })
  },
}
