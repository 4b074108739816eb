// hpack.js has no types: these are the names that hpack-decoder.ts uses.
declare module 'hpack.js' {
  interface Decompressor {
    write(block: Uint8Array): boolean
    execute(): void
    read(): { name: string; value: string } | null
    on(event: 'error', listener: (error: Error) => void): this
    _table: { protocolMaxSize: number }
  }
  const hpack: { decompressor: { create(options: { table: { maxSize: number } }): Decompressor } }
  export default hpack
}
