// hpack.js has no types: these are the names that are used here.
declare module 'hpack.js' {
  interface Field {
    name: string
    value: string
    huffman?: boolean
    incremental?: boolean
  }
  interface Decompressor {
    write(block: Uint8Array): boolean
    execute(): void
    read(): Field | null
  }
  interface Compressor {
    write(fields: readonly Field[]): void
    read(): Uint8Array | null
  }
  const hpack: {
    decompressor: { create(options: { table: { maxSize: number } }): Decompressor }
    compressor: { create(options: { table: { maxSize: number } }): Compressor }
  }
  export default hpack
}
