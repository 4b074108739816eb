/**
 * A single-threaded server: `/busy` blocks it for 30 s, `/late` responds after 100 s, `/never`
 * never responds. Sends its port to its parent.
 */

import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'

const BUSY_MS = 30_000
const LATE_MS = 100_000

const [address, key, cert] = process.argv.slice(2)

const server = createSecureServer({ key: key!, cert: cert!, allowHTTP1: true }, (request, response) => {
  switch (request.url) {
    case '/busy':
      for (const end = Date.now() + BUSY_MS; Date.now() < end; );
      return void response.end('done')
    case '/late':
      return void setTimeout(() => response.end('late'), LATE_MS)
    case '/never':
      return
    default:
      response.end('ok')
  }
})
server.listen(0, address, () => process.send!((server.address() as AddressInfo).port))
process.once('disconnect', () => process.exit())
