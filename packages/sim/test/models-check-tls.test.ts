import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const COMMAND = fileURLToPath(new URL('../dist/models-check/tls.js', import.meta.url))

it('requests end as with real TLS in worlds whose TLS is modelled', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [COMMAND, '--worlds', '8'])
  const [, compared, different] = /TLS: (\d+) outcomes in 8 worlds, (\d+) different/.exec(stdout)!
  expect(Number(compared)).toBeGreaterThan(200)
  expect(different).toBe('0')
}, 60_000)
