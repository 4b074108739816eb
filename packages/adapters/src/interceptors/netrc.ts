/** Basic authentication with the credentials of a .netrc file, for listed origins. */

import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type Interceptor, parseOrigin, UsageError } from '@unshard/core'
import { invalidOption, namesOf, type OptionSchema, ownOptions, printable, value } from '@unshard/core/internal'
import { basicField } from './basic-auth.js'
import { checkOrigins } from './checks.js'
import { takesCredentials, withAuthorization } from './credentials.js'
import { parseNetrc } from './netrc-file.js'

/** Options of `netrc()`. */
export interface NetrcOptions {
  /** Origins that get the credentials of their host; requests to other origins are unchanged. */
  readonly origins: Iterable<string | URL>
  /** Path of the file. @default the variable `NETRC`, else `.netrc` of the home directory */
  readonly path?: string | URL
}

/** Options of `netrc()`. */
export const NETRC_OPTIONS: OptionSchema<NetrcOptions> = {
  origins: value('a list of origins', 'required'),
  path: value('a path', 'the variable `NETRC`, else `.netrc` of the home directory'),
}

const NAMES = namesOf(NETRC_OPTIONS)

/**
 * Adds `authorization: Basic` for the listed origins, unless the request has the field. Reads the file once, now.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_URL`; `ERR_INVALID_OPTION` also if the file cannot be read, or has no credentials
 *   for an origin.
 */
export function netrc(options: NetrcOptions): Interceptor {
  const given = ownOptions(options, NAMES, '', 'netrc()')
  const path = given.path ?? process.env['NETRC'] ?? join(homedir(), '.netrc')
  if (typeof path !== 'string' && !(path instanceof URL)) throw invalidOption('path', 'a path', path)
  const origins = checkOrigins(given.origins)
  const fields = fieldsOf(path, origins)
  return (request, next) => {
    if (!takesCredentials(request, origins)) return next(request)
    return next(withAuthorization(request, fields.get(parseOrigin(request.url).serialized)!))
  }
}

/** Returns the value of `authorization` for each origin. Errors show no credentials. */
function fieldsOf(path: string | URL, origins: ReadonlySet<string>): ReadonlyMap<string, string> {
  const shown = printable(String(path))
  const entries = parseNetrc(readText(path, shown))
  const fields = new Map<string, string>()
  for (const origin of origins) {
    const { login, password } = entries.get(parseOrigin(origin).host) ?? entries.get('') ?? {}
    if (login === undefined || password === undefined) {
      throw new UsageError('ERR_INVALID_OPTION', `the file ${shown} has no login and password for the host of an origin`, {
        origin,
      })
    }
    fields.set(origin, basicField(login, password))
  }
  return fields
}

function readText(path: string | URL, shown: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new UsageError('ERR_INVALID_OPTION', `the file ${shown} cannot be read: ${(cause as Error).message}`, { cause })
  }
}
