/** What goes to the terminal: servers choose names, values and parts of errors, and a control character in them is a command to it. */

/** Text without control characters, C1 ones, DEL and those that turn the direction of text among them: each as its escape. Line ends stay. */
export function forTerminal(text: string): string {
  return text.replace(CONTROL, escaped)
}

/** One line: line ends are escaped as well. */
export function lineForTerminal(text: string): string {
  return forTerminal(text).replaceAll('\n', '\\u000a')
}

/** A report as JSON; what JSON leaves as it is and a terminal does not is escaped. */
export function jsonForTerminal(report: unknown): string {
  return JSON.stringify(report).replace(CONTROL, escaped)
}

const CONTROL = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
