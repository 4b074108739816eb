/** Parsers of values that several commands take. */

import { readFileSync } from 'node:fs'
import { parseOrigin } from '@unshard/core'
import { CommandError, invalidValue } from './errors.js'

const MAX_SECONDS = 2_147_483

/** Parses seconds, with decimals. @returns milliseconds. @throws CommandError. */
export function millisecondsOf(option: string, text: string): number {
  const seconds = Number(text)
  if (text.trim() !== '' && seconds >= 0 && seconds <= MAX_SECONDS) return Math.ceil(seconds * 1_000)
  throw invalidValue(option, `seconds, at most ${MAX_SECONDS}`, text)
}

/** Parses a whole number. @throws CommandError. */
export function integerOf(option: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= least && number <= most) return number
  throw invalidValue(option, `a number from ${least} to ${most}`, text)
}

/** Collects the values of an option that may be repeated. */
export function collected(text: string, before: readonly string[]): readonly string[] {
  return [...before, text]
}

/** Reads a file of an option. @param exitCode if the file cannot be read. @throws CommandError. */
export function fileOf(option: string, path: string, exitCode?: number): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new CommandError(`${option}: ${(error as Error).message}`, exitCode)
  }
}

/** Returns the serialized origin of a URL, or of a host, for which the scheme is https. @throws CommandError. */
export function originOf(text: string): string {
  try {
    return parseOrigin(withScheme(text, 'https')).serialized
  } catch {
    throw new CommandError(`${JSON.stringify(withoutUserInfo(text))} is not a valid origin`)
  }
}

/** Returns a URL that a request can have; without a scheme, https. @throws CommandError. */
export function urlOf(text: string): string {
  const url = withScheme(text, 'https')
  try {
    parseOrigin(url)
    return url
  } catch {
    throw new CommandError(`${JSON.stringify(withoutUserInfo(text))} is not a valid URL`)
  }
}

/** Decodes percent-encoded text; text that is not valid stays as it is, as in curl. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Adds a scheme to a URL that has none. */
export function withScheme(text: string, scheme: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `${scheme}://${text}`
}

/** Removes user information from a text that may be a URL: a message must not show a password. */
export function withoutUserInfo(text: string): string {
  const start = text.indexOf('://') + 1 === 0 ? 0 : text.indexOf('://') + 3
  const path = text.slice(start).search(/[/?#\\]/)
  const end = path === -1 ? text.length : start + path
  const at = text.lastIndexOf('@', end - 1)
  return at < start ? text : text.slice(0, start) + text.slice(at + 1)
}

/**
 * In the form of an origin's host: a name in another form, or with a port, would silently never
 * match.
 */
export function hostOf(text: string): string | undefined {
  if (/[:/\\?#@%\s]/.test(text)) return undefined
  try {
    return parseOrigin(`https://${text}`).host
  } catch {
    return undefined
  }
}
