#!/usr/bin/env node
/**
 * The command `unshard`: results on standard output, errors on standard error, the outcome as the
 * exit code.
 */

import { run } from './run.js'

process.exitCode = await run(process.argv.slice(2))
