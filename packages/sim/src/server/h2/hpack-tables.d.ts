// The tables of hpack.js, which has no types.
declare module 'hpack.js/lib/hpack/static-table.js' {
  const tables: { readonly table: readonly { readonly name: string; readonly value: string }[] }
  export default tables
}
declare module 'hpack.js/lib/hpack/huffman.js' {
  const tables: { readonly encode: readonly (readonly [bits: number, code: number])[] }
  export default tables
}
