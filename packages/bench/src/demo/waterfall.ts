/** The recording of the demo: where it lies, its page, and the offer to open it. */

import { spawn } from 'node:child_process'
import { accessSync, constants, lstatSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { waterfallPage } from 'unshard/inspect'

/** Time for the answer, in milliseconds. */
const ANSWER_MS = 15_000
/** Permissions of the folder and the page: for their owner only, as `recordHar()` makes the recording. */
const FOLDER_MODE = 0o700
const FILE_MODE = 0o600

/** The files of the demo. */
export interface DemoFiles {
  readonly har: string
  readonly page: string
}

/**
 * Returns the files in the system's temporary folder, the same for each run of a user. A folder of that name that
 * belongs to another user is not used.
 */
export function demoFiles(parent: string = tmpdir()): DemoFiles {
  const userId = process.getuid?.()
  let folder = join(parent, userId === undefined ? 'unshard-demo' : `unshard-demo-${userId}`)
  try {
    mkdirSync(folder, { recursive: true, mode: FOLDER_MODE })
    const found = lstatSync(folder)
    if (!found.isDirectory() || (userId !== undefined && found.uid !== userId)) throw new Error('not a folder of this user')
    accessSync(folder, constants.W_OK)
  } catch {
    folder = mkdtempSync(join(parent, 'unshard-demo-'))
  }
  return { har: join(folder, 'waterfall.har'), page: join(folder, 'waterfall.html') }
}

/** Writes the page of a recording. */
export function writePage({ har, page }: DemoFiles): void {
  writeFileSync(page, waterfallPage(readFileSync(har, 'utf8'), { title: 'The demo of unshard' }), { mode: FILE_MODE })
}

/** A program and its arguments. */
export type Command = readonly [program: string, ...args: string[]]

/** Returns the program that opens a file in the browser; `undefined` without one, or without a desktop. */
export function openerOf(file: string, platform: string, environment: NodeJS.ProcessEnv): Command | undefined {
  if (environment['CI'] !== undefined) return undefined
  if (platform === 'darwin') return ['open', file]
  if (platform === 'win32') return ['explorer.exe', file]
  const hasDesktop = environment['DISPLAY'] !== undefined || environment['WAYLAND_DISPLAY'] !== undefined
  return hasDesktop && isInPath('xdg-open', environment['PATH'] ?? '') ? ['xdg-open', file] : undefined
}

function isInPath(program: string, path: string): boolean {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return folder !== ''
    } catch {
      return false
    }
  })
}

/** Asks whether to open the page. Resolves to `false` for anything but `y` or `yes`, and without an answer in time. */
export function ask(
  question: string,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
  waitMs: number = ANSWER_MS,
): Promise<boolean> {
  return new Promise((resolve) => {
    const lines = createInterface({ input, output })
    const timer = setTimeout(() => lines.close(), waitMs)
    let isYes = false
    lines.once('close', () => {
      clearTimeout(timer)
      resolve(isYes)
    })
    lines.question(question, (answer) => {
      isYes = /^y(?:es)?$/i.test(answer.trim())
      lines.close()
    })
  })
}

/** Offers to open the page, on a terminal with a browser. */
export async function offerToOpen(page: string): Promise<void> {
  const command = openerOf(page, process.platform, process.env)
  if (command === undefined || !process.stdin.isTTY || !process.stdout.isTTY) return
  const isWanted = await ask(`  Open it in the browser? [y/N] `, process.stdin, process.stdout)
  console.log()
  if (!isWanted) return
  const [program, ...args] = command
  const child = spawn(program, args, { detached: true, stdio: 'ignore' })
  child.on('error', (error) => console.log(`  ${program} failed: ${error.message}`))
  child.unref()
}
