// Requests several hosts and prints which connection carried each.
import { createClient } from 'unshard'

const names = ['api', 'img', 'static']
const client = createClient()
for (const name of names) {
  const response = await client.request({ url: `https://${name}.example.com/` })
  await response.discard()
  console.log(response.status, response.connection.because)
}
console.log(`${client.stats().totals.dials} connection for ${names.length} hosts`)
await client.close()
// → 200 first-connection
// → 200 address-and-certificate
// → 200 address-and-certificate
// → 1 connection for 3 hosts
