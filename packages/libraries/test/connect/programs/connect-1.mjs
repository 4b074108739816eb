/** Hooks that replace version 2 of Connect-ES, wherever it is imported, by the oldest version that is still used. */

const RENAMED = /^(@bufbuild\/protobuf|@connectrpc\/connect-node|@connectrpc\/connect)(\/.*)?$/

/** Called for each import. Packages are looked up from here, which has both versions. */
export function resolve(name, context, next) {
  const [, renamed, rest = ''] = RENAMED.exec(name) ?? []
  if (renamed === undefined) return next(name, context)
  return next(`${renamed}-1${rest}`, { ...context, parentURL: import.meta.url })
}
