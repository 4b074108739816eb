/** Parts of reference pages that are generated: what stands between two markers. */

/** `page` with `lines` between the markers of `name`. @throws Error where the page lacks them. */
export function withGenerated(page: string, name: string, lines: readonly string[]): string {
  const begin = `<!-- generated: ${name} -->\n`
  const end = '<!-- end -->'
  const start = page.indexOf(begin)
  const stop = page.indexOf(end, start)
  if (start === -1 || stop === -1) throw new Error(`the page has no markers of ${name}`)
  return `${page.slice(0, start + begin.length)}\n${lines.join('\n')}\n\n${page.slice(stop)}`
}
