/** `--har` and `--report`: a recording of the requests, and a page that shows it. */

import { Writable } from 'node:stream'
import type { recordHar as RecordHar } from '@unshard/adapters/har'
import type { Client } from '@unshard/core'
import { CommandError } from '../errors.js'
import { writePage } from '../waterfall/command.js'
import { Exit } from './exit-codes.js'
import type { GetValues } from './options.js'

/**
 * Starts the recordings. @returns a function that completes them.
 * @throws CommandError if the options of the command line need several clients.
 */
export async function startRecording(parts: readonly GetValues[], clients: readonly Client[]): Promise<() => Promise<void>> {
  const har = parts.find((values) => values.har !== undefined)?.har
  const report = parts.find((values) => values.report !== undefined)?.report
  if (har === undefined && report === undefined) return async () => undefined
  const [client, another] = clients
  if (another !== undefined)
    throw new CommandError('--har and --report record one client: use the same connection options with --next')
  const { recordHar } = await import('@unshard/adapters/har')
  const recorder = har === undefined ? undefined : recorderOf(recordHar, client!, har)
  const reported = report === undefined ? undefined : new Reported(recordHar, client!, report)
  return async () => {
    try {
      await recorder?.stop()
    } catch (error) {
      throw unwritable(error)
    } finally {
      await reported?.stop()
    }
  }
}

function recorderOf(recordHar: typeof RecordHar, client: Client, file: string): { stop(): Promise<void> } {
  try {
    return recordHar(client, file)
  } catch (error) {
    throw unwritable(error)
  }
}

function unwritable(error: unknown): CommandError {
  return new CommandError(`--har: ${(error as Error).message}`, Exit.WRITE)
}

/** The recording of a page. */
class Reported {
  readonly #file: string
  readonly #parts: Buffer[] = []
  readonly #recorder: { stop(): Promise<void> }

  constructor(recordHar: typeof RecordHar, client: Client, file: string) {
    this.#file = file
    const write = (part: Buffer, _encoding: string, done: () => void): void => {
      this.#parts.push(part)
      done()
    }
    this.#recorder = recordHar(client, new Writable({ write }))
  }

  async stop(): Promise<void> {
    await this.#recorder.stop()
    const { waterfallPage } = await import('@unshard/adapters/inspect')
    writePage('--report', this.#file, waterfallPage(Buffer.concat(this.#parts).toString(), { title: 'unshard get' }))
  }
}
