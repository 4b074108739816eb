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

/** The rooms without I/O: each branch can be reached by bytes. */
const ALL = { lines: 100, functions: 100, statements: 100, branches: 100 }
/** Everything else that is published. */
const MOST = { lines: 95, functions: 95, statements: 95, branches: 90 }

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
    '^@unshard/([a-z]+)$': '<rootDir>/packages/$1/src/index.ts',
    '^@unshard/([a-z]+)/([a-z0-9-]+)$': '<rootDir>/packages/$1/src/$2/index.ts',
    '^unshard$': '<rootDir>/packages/unshard/src/index.ts',
    '^unshard/([a-z0-9-]+)$': '<rootDir>/packages/unshard/src/$1/index.ts',
  },
  maxWorkers: 2,
  testTimeout: 20_000,
  // Published sources, as V8 counts them. Child processes and bundles are not counted.
  coverageProvider: 'v8',
  collectCoverageFrom: ['packages/{core,coalescing,adapters,unshard}/src/**/*.ts'],
  coverageReporters: ['text-summary', 'json', 'lcovonly'],
  coverageThreshold: {
    './packages/core/src/h2/protocol/': ALL,
    './packages/core/src/h2/hpack/': ALL,
    './packages/core/src/': MOST,
    './packages/coalescing/src/': MOST,
    './packages/adapters/src/': MOST,
    './packages/unshard/src/': MOST,
  },
}

export default config
