/** The reference pages that are generated in part, and from what. */

import { coldPath, floorsDrawing, warmPath } from './drawings.js'
import { errorRows } from './errors.js'
import { optionLines } from './options.js'
import { withGenerated } from './page.js'

/** A page, from the root of the repository, and its next text. */
interface GeneratedPage {
  readonly path: string
  generate(page: string): string | Promise<string>
}

const ERROR_HEAD = ['| code | class | when | what to do | again? |', '| --- | --- | --- | --- | --- |']
const SYSTEM_ROW =
  '| system | `ConnectError`, `ConnectionError` | The system, the resolver or TLS failed: `ECONNREFUSED`, `ENOTFOUND`, `EAI_AGAIN`, ' +
  '`ECONNRESET`, `EPIPE`, `ETIMEDOUT`, `CERT_HAS_EXPIRED`, `ERR_TLS_CERT_ALTNAME_INVALID`, `ERR_SSL_…`. If several addresses failed: ' +
  'the code of the last attempt. | Look at `phase`, `errors` and `cause`. | see `processed` |'

/** Every generated page. */
export const PAGES: readonly GeneratedPage[] = [
  {
    path: 'docs/reference/errors.md',
    generate: (page) => withGenerated(page, 'codes', [...ERROR_HEAD, SYSTEM_ROW, ...errorRows()]),
  },
  {
    path: 'docs/reference/options.md',
    generate: async (page) => withGenerated(page, 'options', await optionLines()),
  },
  {
    path: 'docs/contributing/architecture.md',
    generate: (page) =>
      withGenerated(
        withGenerated(withGenerated(page, 'floors', floorsDrawing()), 'warm path', warmPath()),
        'cold path',
        coldPath(),
      ),
  },
]
