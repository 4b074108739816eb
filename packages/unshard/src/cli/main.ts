#!/usr/bin/env node
/**
 * The command `unshard`: results on standard output, errors on standard error, the outcome as the
 * exit code.
 */

import { run } from './run.js'

// A reader such as `head` closes the pipe when it has enough. A command that must end its work first has a listener of its own.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (process.stdout.listenerCount('error') > 1) return
  if (error.code === 'EPIPE') process.exit()
  throw error
})

process.exitCode = await run(process.argv.slice(2))
