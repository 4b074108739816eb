/** llhttp's bytes for jest, which would look at each of them: it takes the members of what it imports for names of exports. */

import { createRequire } from 'node:module'

export default createRequire(import.meta.url)('../../node_modules/undici/lib/llhttp/llhttp-wasm.js')
