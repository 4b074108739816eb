// Uploads a file with progress, and sends it again if the connection is lost before the server has processed it.

import { writeFile } from 'node:fs/promises'
import { createClient, sendFile } from 'unshard'

await writeFile('report.txt', 'a report\n'.repeat(10_000))
const client = createClient({ timeouts: { body: 30_000 } })
const response = await sendFile(client, 'report.txt', {
  url: 'https://api.example.com/inspect',
  headers: { 'content-type': 'text/plain' },
  onProgress: ({ transferredBytes, totalBytes }) => {
    if (transferredBytes === totalBytes) console.log(`sent ${totalBytes} bytes`)
  },
})
console.log(response.status, (await response.json()).method)
await client.close()
// → sent 90000 bytes
// → 200 PUT
