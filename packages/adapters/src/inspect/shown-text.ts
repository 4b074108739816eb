/** Text from the network, for people: nothing in it is invisible, and nothing turns the text around it. */

/**
 * Control characters, separators of lines, marks that change the direction of text, characters without
 * width, and halves of surrogate pairs.
 */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/gu

/**
 * Returns any value as text in which invisible characters are escaped, such as `\u{202e}`. Values
 * other than strings, numbers and booleans give no text.
 * @param maxLength maximum number of characters that are read.
 */
export function shownText(value: unknown, maxLength: number): string {
  if (typeof value !== 'string') return typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
  const text = value.length > maxLength ? `${value.slice(0, maxLength)}…` : value
  return text.replace(INVISIBLE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)
}
