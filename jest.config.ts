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
  collectCoverageFrom: ['packages/*/src/**/*.ts'],
}

export default config
