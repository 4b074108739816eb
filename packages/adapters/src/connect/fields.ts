/** Fields of responses as `Headers`, which Connect-ES reads metadata from. */

import type { Fields } from '@unshard/core'
import { fieldList } from '@unshard/core/internal'

/** Adds each field line: `Headers` joins those of one name, and keeps `set-cookie` apart. */
export function appendFields(headers: Headers, fields: Fields): void {
  const list = fieldList(fields)
  for (let i = 0; i < list.length; i += 2) headers.append(list[i]!, list[i + 1]!)
}
