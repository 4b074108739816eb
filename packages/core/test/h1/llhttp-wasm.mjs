/**
 * The bytes of llhttp for jest, which reads each member of an imported module as the name of an
 * export.
 */

import { createRequire } from 'node:module'

export default createRequire(import.meta.url)('../../node_modules/undici/lib/llhttp/llhttp-wasm.js')
