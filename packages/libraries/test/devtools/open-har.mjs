/** Opens a HAR file with the importer of Chrome's DevTools, and prints the requests that its network panel would show. */

import { readFile } from 'node:fs/promises'

const [, , bundle, file] = process.argv
const { HAR } = await import(bundle)
const { log } = new HAR.HARFormat.HARRoot(JSON.parse(await readFile(file, 'utf8')))
const requests = HAR.Importer.Importer.requestsFromHARLog(log)
const shown = requests.map(async (request) => ({
  url: request.url(),
  method: request.requestMethod,
  status: request.statusCode,
  protocol: request.protocol,
  type: request.resourceType().name(),
  connection: request.connectionId,
  transferSize: request.transferSize,
  isFinished: request.finished,
  durationMs: request.duration * 1000,
  timing: request.timing,
  sent: await request.requestFormData(),
  text: (await request.requestContentData()).text,
  fields: request.responseHeaders.map(({ name }) => name),
}))
console.log(JSON.stringify(await Promise.all(shown)))
process.exit(0)
