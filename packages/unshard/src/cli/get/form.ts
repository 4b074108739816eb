/** The parts of `-F`: `name=content`, `name=@file`, `name=<file`, with `;type=`, `;filename=` and `;headers=`. */

import { basename } from 'node:path'
import type { FormPart } from '@unshard/core'
import { invalidValue } from '../errors.js'
import { readInput, textOrFile } from './input.js'

/** Types by the ending of a file, as in curl. */
const TYPES: Readonly<Record<string, string>> = {
  ...{ gif: 'image/gif', jpg: 'image/jpeg', jpeg: 'image/jpeg', png: 'image/png', svg: 'image/svg+xml' },
  ...{ txt: 'text/plain', htm: 'text/html', html: 'text/html', pdf: 'application/pdf', xml: 'application/xml' },
}

/** Reads one part. @throws CommandError. */
export function formPartsOf(text: string): FormPart[] {
  const equals = text.indexOf('=')
  if (equals < 1) throw invalidValue('--form', 'name=content', text)
  const name = text.slice(0, equals)
  const value = text.slice(equals + 1)
  const [content = '', ...parameters] = splitParameters(value)
  const { type, filename, headers } = readParameters(parameters)
  const lines = [...(type === undefined ? [] : [`content-type: ${type}`]), ...headers].map(fieldOf)
  if (content.startsWith('@')) {
    return splitFiles(content.slice(1)).map((path) => {
      const shown = filename ?? basename(path)
      const types = lines.some(([field]) => field === 'content-type') ? [] : [['content-type', typeOf(shown)] as const]
      return { name, content: readInput('--form', path), filename: shown, headers: [...types, ...lines] }
    })
  }
  const bytes = content.startsWith('<') ? readInput('--form', content.slice(1)) : Buffer.from(content)
  return [{ name, content: bytes, headers: lines, ...(filename !== undefined && { filename }) }]
}

/** Reads one part of `--form-string`, whose content is taken as it is. @throws CommandError. */
export function formStringOf(text: string): FormPart {
  const equals = text.indexOf('=')
  if (equals < 1) throw invalidValue('--form-string', 'name=text', text)
  return { name: text.slice(0, equals), content: text.slice(equals + 1) }
}

/** Splits at semicolons outside double quotes; quotes around a part are removed. */
function splitParameters(text: string): string[] {
  const found: string[] = []
  let part = ''
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!
    const next = text[at + 1]
    if (character === '"' && (isQuoted || isBeginning(part))) isQuoted = !isQuoted
    else if (isQuoted && character === '\\' && (next === '"' || next === '\\')) part += text[++at]
    else if (character === ';' && !isQuoted) {
      found.push(part)
      part = ''
    } else part += character
  }
  return [...found, part]
}

function isBeginning(text: string): boolean {
  return text === '' || text === '@' || text === '<' || text.endsWith('=')
}

function splitFiles(text: string): string[] {
  return text.split(',')
}

function readParameters(parameters: readonly string[]): { type?: string; filename?: string; headers: readonly string[] } {
  let type: string | undefined
  let filename: string | undefined
  const headers: string[] = []
  for (const parameter of parameters) {
    const text = parameter.trimStart()
    if (text.startsWith('type=')) type = text.slice(5)
    else if (text.startsWith('filename=')) filename = text.slice(9)
    else if (text.startsWith('headers=')) headers.push(...headerLines(text.slice(8)))
    // A parameter of the type, such as charset=UTF-8.
    else if (type !== undefined) type += `;${parameter}`
    else throw invalidValue('--form', 'the parameters type, filename and headers', parameter)
  }
  return { headers, ...(type !== undefined && { type }), ...(filename !== undefined && { filename }) }
}

function headerLines(text: string): string[] {
  return textOrFile('--form', text)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

function fieldOf(line: string): readonly [name: string, value: string] {
  const colon = line.indexOf(':')
  if (colon < 1) throw invalidValue('--form', 'headers=name: value', line)
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}

function typeOf(filename: string): string {
  return TYPES[filename.slice(filename.lastIndexOf('.') + 1).toLowerCase()] ?? 'application/octet-stream'
}
