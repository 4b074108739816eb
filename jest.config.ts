/** @jest-config-loader esbuild-register */
import type { Config } from 'jest'

const compilerOptions = {
  target: 'es2023',
  module: 'esnext',
  moduleResolution: 'bundler',
  esModuleInterop: true,
  isolatedModules: true,
  verbatimModuleSyntax: true,
  sourceMap: true,
}

/** The folders without I/O: bytes can reach each branch. */
const ALL = { lines: 100, functions: 100, statements: 100, branches: 100 }
/** Other published sources. Adapters and the command have fewer branches covered: members of responses and lines of output that may be absent. */
const MOST = { lines: 95, functions: 95, statements: 95, branches: 95 }
/** Types, re-exports that the tests of the tarballs load, and parts of the command that run in child processes. */
const NOT_COUNTED = [
  '!**/*.d.ts',
  '!packages/unshard/src/cli/{main,version,warm,bench/bench,explain/explain,probe/compare,probe/probe}.ts',
  '!packages/unshard/src/{connect,events,grpc,har,http,inspect,interceptors,multipart,opentelemetry,prometheus,smithy,streams,testing,undici,web-socket}/index.ts',
  // Runs in child processes.
  '!packages/{adapters,unshard}/src/inspect/register/index.ts',
]

// ESM sources run as ESM. TypeScript is only stripped here; `pnpm typecheck` checks it, tests included.
const config: Config = {
  testEnvironment: 'node',
  roots: ['<rootDir>/packages'],
  testMatch: ['**/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['ts-jest', { useESM: true, tsconfig: compilerOptions, diagnostics: false }] },
  moduleNameMapper: {
    '^undici/lib/llhttp/llhttp-wasm\\.js$': '<rootDir>/packages/core/test/h1/llhttp-wasm.mjs',
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^@unshard/page$': '<rootDir>/packages/page/dist/index.js',
    '^@unshard/([a-z]+)$': '<rootDir>/packages/$1/src/index.ts',
    '^@unshard/([a-z]+)/([a-z0-9-]+(?:/register)?)$': '<rootDir>/packages/$1/src/$2/index.ts',
    '^unshard$': '<rootDir>/packages/unshard/src/index.ts',
    '^unshard/([a-z0-9-]+)$': '<rootDir>/packages/unshard/src/$1/index.ts',
  },
  maxWorkers: 2,
  testTimeout: 20_000,
  // Published sources, as V8 counts them.
  coverageProvider: 'v8',
  collectCoverageFrom: ['packages/{core,coalescing,adapters,unshard}/src/**/*.ts', ...NOT_COUNTED],
  coverageReporters: ['text-summary', 'json', 'lcovonly'],
  coverageThreshold: {
    './packages/core/src/h2/protocol/': ALL,
    './packages/core/src/h2/hpack/': ALL,
    './packages/core/src/': MOST,
    './packages/coalescing/src/': MOST,
    './packages/adapters/src/': { ...MOST, branches: 90 },
    './packages/unshard/src/': { ...MOST, branches: 85 },
  },
}

export default config
