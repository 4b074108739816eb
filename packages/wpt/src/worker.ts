/**
 * Thread of one test file: creates a window for the harness, then loads the subject, the harness
 * and the file. Sends each result to its parent.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext, runInThisContext } from 'node:vm'
import { parentPort, workerData } from 'node:worker_threads'
import type { Message, WorkerInput } from './run-file.js'
import { installSubject } from './subjects.js'

/** Callback arguments of the harness, as far as they are used here. */
interface HarnessTest {
  readonly status: number
  readonly name: string
  readonly message: string | null
}

const input = workerData as WorkerInput
const send = (message: Message): void => parentPort!.postMessage(message)

process.on('uncaughtException', (error) => send({ type: 'uncaught', message: String(error?.stack ?? error) }))

makeWindow()
await installSubject({ ...input, baseUrl: location.href })
run(readFileSync(join(input.fixtures, 'resources/testharness.js'), 'utf8'), 'testharness.js')
addCallbacks()
for (const script of input.test.scripts) run(script, 'script')
run(input.test.code, input.test.path)

/** Defines the globals that the harness and the files expect. */
function makeWindow(): void {
  const address = new URL(`/${input.test.path}`, input.url)
  const no = (): boolean => false
  const properties = {
    self: globalThis,
    window: globalThis,
    GLOBAL: { isWorker: no, isShadowRealm: no, isWindow: no },
    location: address,
    Window: Object.getPrototypeOf(globalThis).constructor,
    // Missing before Node 24, and used by files on other subjects.
    Float16Array: (globalThis as { Float16Array?: unknown }).Float16Array ?? class Float16Array {},
    ...(input.test.title === undefined ? {} : { META_TITLE: input.test.title }),
  }
  for (const [name, value] of Object.entries(properties)) {
    Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true })
  }
  setFlagsFromString('--expose-gc')
  globalThis.gc = runInNewContext('gc') as NodeJS.GCFunction
}

function addCallbacks(): void {
  const harness = globalThis as unknown as Record<'add_result_callback' | 'add_completion_callback', (call: unknown) => void>
  harness.add_result_callback(({ name, status, message }: HarnessTest) => send({ type: 'result', name, status, message }))
  harness.add_completion_callback(() => send({ type: 'completion' }))
}

function run(code: string, filename: string): void {
  runInThisContext(code, { filename })
}

declare const location: URL
