// Adds a rule to coalescing: hosts of different customers never share a connection, whatever the certificate covers.
import { coalescing, createClient } from 'unshard'

const rules = coalescing()
const customerOf = (origin) => /^https:\/\/([a-z]+)-/.exec(origin.serialized)?.[1]

const reuse = {
  verdict(candidate, target) {
    const origin = candidate.route?.origin ?? candidate.origin
    return customerOf(origin) === customerOf(target.origin)
      ? rules.verdict(candidate, target)
      : { use: false, because: 'other-customer' }
  },
  misdirected: (connection, origin) => rules.misdirected(connection, origin),
  answered: (connection, origin) => rules.answered?.(connection, origin),
  groupsOf: (origin) => rules.groupsOf?.(origin) ?? [],
}

const client = createClient({ reuse })
for (const name of ['acme-api', 'acme-img', 'globex-api']) {
  const response = await client.request({ url: `https://${name}.example.com/` })
  await response.discard()
  console.log(response.status, response.connection.because)
}
await client.close()
// → 200 first-connection
// → 200 address-and-certificate
// → 200 other-customer
