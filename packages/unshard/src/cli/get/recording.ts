/** `--har` and `--report`: a recording of the requests, and a page that shows it. */

import { recordHar } from '@unshard/adapters/har'
import type { Client } from '@unshard/core'
import { CommandError } from '../errors.js'
import type { GetValues } from './options.js'

/**
 * Starts the recordings. @returns a function that completes them.
 * @throws CommandError if the options of the command line need several clients.
 */
export function startRecording(parts: readonly GetValues[], clients: readonly Client[]): () => Promise<void> {
  const har = parts.find((values) => values.har !== undefined)?.har
  if (har === undefined) return async () => undefined
  const [client, another] = clients
  if (another !== undefined)
    throw new CommandError('--har and --report record one client: use the same connection options with --next')
  const recorder = recordHar(client!, har)
  return () => recorder.stop()
}
