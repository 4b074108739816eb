// hpack.js has no types: these are the names that other-decoder.ts uses.
declare module 'hpack.js' {
  interface Decompressor {
    execute(): void
    push(field: { name: string; value: string }): boolean
    emit(event: string, error: Error): boolean
    _table: { protocolMaxSize: number }
    _decoder: { push(block: Uint8Array): void }
  }
  const hpack: { decompressor: { create(options: { table: { maxSize: number } }): Decompressor } }
  export default hpack
}
