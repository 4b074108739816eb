/**
 * Look-ups in a flat list of field lines (name, value, name, value; names in lower case), without
 * allocation.
 */

/** Returns the value of the first line named `name`, or `undefined`. */
export function fieldValue(lines: readonly string[], name: string): string | undefined {
  for (let i = 0; i < lines.length; i += 2) if (lines[i] === name) return lines[i + 1]
  return undefined
}

/** Whether a line is named `name`. */
export function hasField(lines: readonly string[], name: string): boolean {
  for (let i = 0; i < lines.length; i += 2) if (lines[i] === name) return true
  return false
}
