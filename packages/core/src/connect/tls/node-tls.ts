/**
 * `node:tls` and `node:crypto`, loaded when there is something to be secured: six milliseconds that importing us does not have to take.
 * Not by an import statement, which calls every getter among a module's exports and so loads Web Crypto as well.
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
