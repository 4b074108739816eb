/**
 * Loads `node:tls` and `node:crypto` on first use, which saves six milliseconds at import. Not with
 * `import`, which calls every getter of the module and so loads Web Crypto as well.
 */

import type * as Crypto from 'node:crypto'
import type * as Tls from 'node:tls'

let loadedTls: typeof Tls | undefined
let loadedCrypto: typeof Crypto | undefined

/** The module `node:tls`. */
export function nodeTls(): typeof Tls {
  loadedTls ??= process.getBuiltinModule('node:tls')
  return loadedTls
}

/** The module `node:crypto`. */
export function nodeCrypto(): typeof Crypto {
  loadedCrypto ??= process.getBuiltinModule('node:crypto')
  return loadedCrypto
}
