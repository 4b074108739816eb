// Records requests to a mock client in a file: until the recording fails, or until the process is killed.
import { statSync } from 'node:fs'
import { recordHar } from '@unshard/adapters/har'
import { mockClient } from '@unshard/core/testing'

const [, , path, mode] = process.argv
const { client } = mockClient(() => ({ body: 'x'.repeat(500) }))
let failed = false
const recorder = recordHar(client, path, {
  bodies: {},
  onError(error) {
    failed = true
    console.log(error.code, error.cause.code)
  },
})
let told = false
for (let count = 0; mode === 'forever' || count < 200; count++) {
  const before = statSync(path).size
  await (await client.get(`https://a.test.example/${count}`)).text()
  // Each entry is a write of its own, however fast the disk is.
  do await new Promise(setImmediate)
  while (mode === 'until-error' && !failed && statSync(path).size === before)
  if (!told && mode === 'forever' && recorder.entries > 200) {
    told = true
    console.log('recorded')
  }
}
await recorder.stop()
if (failed) console.log('all requests answered')
