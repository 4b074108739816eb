/**
 * For `node --import unshard/inspect/register program.js`: serves a live page of all requests of the process, and prints
 * its URL to standard error. `UNSHARD_INSPECT_PORT` is the port; `UNSHARD_INSPECT_KEEP=1` keeps the process alive.
 */

import { isMainThread } from 'node:worker_threads'
import { inspect } from '../inspect.js'

const { UNSHARD_INSPECT_PORT: port, UNSHARD_INSPECT_KEEP: keep } = process.env

// Worker threads run `--import` as well; the process has one page.
if (isMainThread) {
  const options = { port: port === undefined || port === '' ? 0 : Number(port), keepProcess: keep === '1' }
  inspect(undefined, options).then(
    ({ url }) => process.stderr.write(`unshard: requests of this process: ${url}\n`),
    (error: Error) => process.stderr.write(`unshard: no page of this process: ${error.message}\n`),
  )
}
