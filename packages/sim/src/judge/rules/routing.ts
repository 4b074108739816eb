/** Requests reach only servers that the name leads to and whose certificate covers it. */

import { covers } from '../../tls/certificates.js'
import type { Environment } from '../../world/environment.js'

export function judgeRouting({ ledger, resolver }: Environment): void {
  for (const { script, arrivals } of ledger.records.values()) {
    const host = script.origin.replace(/^https?:\/\//, '')
    for (const { address, authority, certificate, secure } of arrivals) {
      if (authority !== host) ledger.find('authority', `${authority} was asked for ${script.origin}`, script.id)
      if (secure && !covers(certificate, host)) {
        ledger.find('certificate', `${host} was sent to ${address}, whose certificate is for ${certificate.join(' ')}`, script.id)
      }
      if (!resolver.hasHad(host, address)) ledger.find('address', `${host} was sent to ${address}, which it never had`, script.id)
    }
  }
}
