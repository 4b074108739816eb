/**
 * Escapes text for the terminal: servers choose names, values and parts of errors, and a terminal
 * executes control characters.
 */

/**
 * Escapes control characters, including C1 characters, DEL and those that change the text
 * direction. Line ends stay.
 */
export function forTerminal(text: string): string {
  return text.replace(CONTROL, escaped)
}

/** Escapes one line: line ends are escaped as well. */
export function lineForTerminal(text: string): string {
  return forTerminal(text).replaceAll('\n', '\\u000a')
}

/**
 * Formats a report as JSON and escapes the characters that are valid in JSON but not safe in a
 * terminal.
 */
export function jsonForTerminal(report: unknown): string {
  return JSON.stringify(report).replace(CONTROL, escaped)
}

const CONTROL = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
