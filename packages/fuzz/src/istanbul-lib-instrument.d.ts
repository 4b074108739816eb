// istanbul-lib-instrument has no types: these are the names that instrument.ts uses.
declare module 'istanbul-lib-instrument' {
  interface FileCoverage {
    readonly s: Readonly<Record<string, number>>
    readonly f: Readonly<Record<string, number>>
    readonly b: Readonly<Record<string, readonly number[]>>
  }
  interface Instrumenter {
    instrumentSync(code: string, file: string): string
    lastFileCoverage(): FileCoverage
  }
  export function createInstrumenter(options: {
    esModules: boolean
    compact: boolean
    coverageVariable: string
    produceSourceMap: boolean
    generatorOpts?: Readonly<Record<string, unknown>>
  }): Instrumenter
}
