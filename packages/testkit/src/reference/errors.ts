/** The table of codes on docs/reference/errors.md, from the table in core. */

import { ERROR_CODES, type ErrorCodeInfo } from '@unshard/core'

const RETRY: Readonly<Record<ErrorCodeInfo['retry'], string>> = { no: 'no', yes: 'yes', processed: 'see `processed`' }

/** Classes in the order of the page. */
const CLASSES = ['ConnectError', 'TimeoutError', 'ConnectionError', 'StreamError', 'ResponseError', 'UsageError', 'GrpcError']

/** The rows of the table, sorted by class. */
export function errorRows(): string[] {
  const entries = Object.entries(ERROR_CODES)
  const sorted = CLASSES.flatMap((name) => entries.filter(([, info]) => info.class === name))
  return sorted.map(([code, { class: name, also, when, action, retry }]) => {
    const classes = also === undefined ? `\`${name}\`` : `\`${name}\`, ${also}`
    return `| \`${code}\` | ${classes} | ${when} | ${action} | ${RETRY[retry]} |`
  })
}
