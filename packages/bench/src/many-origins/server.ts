/** Server process: nghttpd, or the testkit's own server, with a wildcard certificate. */

import { createAuthority, SMALL_TEXT, startNghttpd, startOriginServer } from '@unshard/testkit'
import { OWN_SERVER } from '../competitor.js'
import { CERTIFICATE_NAMES, type Server } from './task.js'

const authority = await createAuthority()
const tls = await authority.issue({ names: CERTIFICATE_NAMES })
const external = process.argv[2] === 'own' ? undefined : await startNghttpd({ tls })
process.once('disconnect', () => void Promise.resolve(external?.stop()).finally(() => process.exit()))
const own =
  external === undefined ? await startOriginServer({ tls, handler: (_, response) => response.end(SMALL_TEXT) }) : undefined
process.send!({ name: external?.name ?? OWN_SERVER, port: (external ?? own)!.port, ca: authority.ca } satisfies Server)
