/** The head of a request, from its fields. */

import type { RequestHead } from './exchange.js'

/** The field that names the request in the ledger. */
export const ID_FIELD = 'x-request'

export function headOf(fields: readonly (readonly [name: string, value: string])[]): RequestHead {
  let id = 0
  let method = ''
  let authority = ''
  let credentials: string | undefined
  for (const [name, value] of fields) {
    if (name === ID_FIELD) id = Number(value)
    else if (name === ':method') method = value
    else if (name === ':authority' || name === 'host') authority = value
    else if (name === 'authorization') credentials = value
  }
  return { id, method, authority, credentials }
}
