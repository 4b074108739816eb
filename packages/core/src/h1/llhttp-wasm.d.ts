/** The bytes of llhttp as WebAssembly. The package is a development dependency: the build inlines this file. */
declare module 'undici/lib/llhttp/llhttp-wasm.js' {
  const bytes: Buffer
  export default bytes
}

/** The part of the global that is used here; @types/node does not declare it. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>)
    readonly exports: unknown
  }
  interface Memory {
    readonly buffer: ArrayBuffer
  }
}
