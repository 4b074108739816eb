/** The bytes of llhttp as WebAssembly. The package is a development dependency: the build inlines this file. */
declare module 'undici/lib/llhttp/llhttp-wasm.js' {
  const bytes: Buffer
  export default bytes
}

/** As much of the global as is used here: the types of Node have none. */
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
