// Uses a proxy for one origin and a direct connection for the others.
import { createClient } from 'unshard'

const client = createClient({
  proxy: (origin) => (origin.startsWith('https://api.') ? 'http://user:password@proxy.example:3128' : undefined),
})
for (const name of ['api', 'img']) {
  const response = await client.request({ url: `https://${name}.example.com/` })
  await response.discard()
  console.log(response.status, response.connection.proxy)
}
await client.close()
// → 200 http://proxy.example:3128
// → 200 undefined
