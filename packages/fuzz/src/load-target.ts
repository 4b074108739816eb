/**
 * Bundles a target with the engine's TypeScript sources, instrumented, with esbuild when the fuzzer
 * starts.
 */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runInThisContext } from 'node:vm'
import { build, type Plugin, transformSync } from 'esbuild'
import { COUNTERS_NAME, type CountedFile, Instrumenter } from './instrument.js'
import type { Target } from './target.js'

/** The files in `src/targets`. */
export const TARGET_NAMES = ['receive', 'receive-framed', 'split', 'hpack-decode', 'hpack-roundtrip'] as const

/** A target, and its coverage of the code under test. */
export interface LoadedTarget {
  readonly target: Target
  readonly counters: Uint32Array
  readonly files: readonly CountedFile[]
}

const PACKAGES = fileURLToPath(new URL('../../', import.meta.url))
const UNDER_TEST = /[\\/]packages[\\/]core[\\/]src[\\/].*\.ts$/

export async function loadTarget(name: string): Promise<LoadedTarget> {
  const instrumenter = new Instrumenter()
  const { outputFiles } = await build({
    entryPoints: [`${PACKAGES}fuzz/src/targets/${name}.ts`],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    plugins: [counting(instrumenter)],
  })
  const counters = new Uint32Array(instrumenter.count)
  const globals = globalThis as unknown as Record<string, unknown>
  globals[COUNTERS_NAME] = counters
  const module = { exports: {} as { target?: Target } }
  const wrapped = `(function (exports, module, require) {${outputFiles[0]!.text}\n})`
  const evaluate = runInThisContext(wrapped, { filename: `fuzz-target-${name}.cjs` }) as (...args: readonly unknown[]) => void
  evaluate(module.exports, module, createRequire(import.meta.url))
  delete globals[COUNTERS_NAME]
  return { target: module.exports.target!, counters, files: instrumenter.files }
}

/** Instruments only the product: coverage of the target and its oracles is irrelevant. */
function counting(instrumenter: Instrumenter): Plugin {
  return {
    name: 'counting',
    setup(bundle) {
      bundle.onLoad({ filter: UNDER_TEST }, ({ path }) => {
        const { code } = transformSync(readFileSync(path, 'utf8'), { loader: 'ts', target: 'node20' })
        return { contents: instrumenter.instrument(code, relative(PACKAGES, path)), loader: 'js' }
      })
    },
  }
}
