/** Reads docs/contributing/conformance.md and the titles of tests, and reports inconsistencies. */

import ts from 'typescript'

/** The kind of a table's requirements. */
type Kind = 'bound' | 'not met' | 'not binding' | 'point'

interface Row {
  readonly line: number
  readonly kind: Kind
  readonly rfc: string
  /** The section of the heading above the table, if that heading is a section. */
  readonly heading: string | undefined
  readonly section: string
  readonly requirement: string
  /** The last column: tests, or the reason why the requirement has no test. */
  readonly last: string
}

interface Reference {
  readonly row: Row
  readonly file: string
  readonly title: string
}

/** The numbers of the first table, by RFC: sentences, bound, not met, not binding. */
type Counts = ReadonlyMap<string, readonly number[]>

/** Test files by their path below packages/core/test. */
export type Sources = ReadonlyMap<string, string>

const KINDS: Readonly<Record<string, Kind>> = { '': 'bound', 'not met': 'not met', 'does not bind this client': 'not binding' }
const KEY_WORD = /\b(?:MUST|REQUIRED|SHALL)\b/

/** Returns one line per problem; empty if the page and the tests agree. */
export function problemsOf(page: string, sources: Sources): string[] {
  const { rows, counts } = parse(page)
  const references = rows.flatMap(referencesOf)
  return [
    ...rows.flatMap(rowProblems),
    ...countProblems(rows, counts),
    ...orderProblems(rows),
    ...duplicates(rows),
    ...missingTests(references, sources),
    ...unlistedTitles(references, sources),
  ]
}

function parse(page: string): { rows: Row[]; counts: Counts } {
  const rows: Row[] = []
  const counts = new Map<string, readonly number[]>()
  let kind: Kind = 'point'
  let rfc = ''
  let heading: string | undefined
  for (const [i, text] of page.split('\n').entries()) {
    const title = /^## (?:RFC (\d+)(?:: (.*))?|.*)$/.exec(text)
    if (title !== null) {
      rfc = title[1] ?? ''
      kind = rfc === '' ? 'point' : (KINDS[title[2] ?? ''] ?? 'point')
      heading = undefined
    }
    heading = /^### (\S+)/.exec(text)?.[1] ?? heading
    const cells = cellsOf(text)
    if (cells === undefined || /^(?:Section|Point|RFC)$/.test(cells[0]!)) continue
    if (/^RFC \d+$/.test(cells[0]!)) counts.set(cells[0]!.slice(4), cells.slice(1).map(Number))
    else {
      const [section, requirement, last] = cells.length === 2 ? ['', cells[0]!, cells[1]!] : cells
      rows.push({ line: i + 1, kind, rfc, heading, section: section!, requirement: requirement!, last: last ?? '' })
    }
  }
  return { rows, counts }
}

function cellsOf(text: string): string[] | undefined {
  if (!text.startsWith('| ') || text.startsWith('| ---')) return undefined
  const cells = text.replaceAll('\\|', '\0').split('|').slice(1, -1)
  return cells.map((cell) => cell.trim().replaceAll('\0', '|'))
}

function referencesOf(row: Row): Reference[] {
  if (row.kind === 'not met' || row.kind === 'not binding') return []
  return row.last.split('<br>').flatMap((each) => {
    const match = /^(\S+\.test\.ts) `([^`]+)`$/.exec(each)
    return match === null ? [] : [{ row, file: match[1]!, title: match[2]! }]
  })
}

function rowProblems(row: Row): string[] {
  const problems: string[] = []
  const report = (problem: string): number => problems.push(`line ${row.line}: ${problem}`)
  const tested = row.kind === 'bound' || row.kind === 'point'
  if (tested && referencesOf(row).length !== row.last.split('<br>').length)
    report('a test is missing, or not written as: file `title`')
  if (!tested && row.last === '') report('no reason')
  if (row.kind === 'point') return problems
  if (!/^§\d+(\.\d+)*$/.test(row.section)) report(`${JSON.stringify(row.section)} is no section`)
  if (row.heading !== undefined && row.section !== `§${row.heading}`) report(`${row.section} under the heading ${row.heading}`)
  const quotation = /"(.+)"$/.exec(row.requirement)
  if (quotation === null || !KEY_WORD.test(quotation[1]!)) report('the requirement is no quotation of a MUST')
  return problems
}

function countProblems(rows: readonly Row[], counts: Counts): string[] {
  const rfcs = new Set([...rows.map(({ rfc }) => rfc), ...counts.keys()].filter((rfc) => rfc !== ''))
  return [...rfcs].flatMap((rfc) => {
    const of = (kind: Kind): number => rows.filter((row) => row.rfc === rfc && row.kind === kind).length
    const actual = [of('bound'), of('not met'), of('not binding')]
    const all = [actual.reduce((sum, each) => sum + each, 0), ...actual]
    return all.join() === counts.get(rfc)?.join()
      ? []
      : [`RFC ${rfc} has ${all.join(', ')} rows, not ${counts.get(rfc)?.join(', ')}`]
  })
}

function orderProblems(rows: readonly Row[]): string[] {
  return rows.flatMap((row, i) => {
    const before = rows[i - 1]
    if (before === undefined || row.kind === 'point' || before.kind !== row.kind || before.rfc !== row.rfc) return []
    return isAfter(before.section, row.section) ? [`line ${row.line}: ${row.section} after ${before.section}`] : []
  })
}

function isAfter(left: string, right: string): boolean {
  return left.slice(1).localeCompare(right.slice(1), 'en', { numeric: true }) > 0
}

function duplicates(rows: readonly Row[]): string[] {
  const keys = new Set<string>()
  return rows.flatMap(({ line, rfc, section, requirement }) => {
    // Without the text before the quotation.
    const key = `${rfc} ${section} ${requirement.replace(/^[^"]*"/, '')}`
    if (keys.has(key)) return [`line ${line}: the requirement stands here twice`]
    keys.add(key)
    return []
  })
}

function missingTests(references: readonly Reference[], sources: Sources): string[] {
  const titles = new Map<string, string[]>()
  return references.flatMap(({ row, file, title }) => {
    const source = sources.get(file)
    if (source === undefined) return [`line ${row.line}: there is no ${file}`]
    const known = titles.get(file) ?? literalsOf(source, true)
    titles.set(file, known)
    return known.some((each) => each.includes(title)) ? [] : [`line ${row.line}: no test of ${file} is called ${title}`]
  })
}

/** Returns titles that quote a MUST of a section and that no row refers to. */
function unlistedTitles(references: readonly Reference[], sources: Sources): string[] {
  return [...sources].flatMap(([file, source]) => {
    const listed = references.filter((each) => each.file === file).map(({ title }) => title)
    return literalsOf(source, false)
      .filter((text) => /§\d/.test(text) && KEY_WORD.test(text) && !listed.some((title) => text.includes(title)))
      .map((text) => `${file}: no row refers to ${text}`)
  })
}

/**
 * Returns the string literals of a file. With `titles` only those that are passed to jest, as a
 * title or in a table of `each`, without the literals in the body of a test.
 */
export function literalsOf(source: string, titles: boolean): string[] {
  const found: string[] = []
  const visit = (node: ts.Node, isPassed: boolean): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddle(node) || ts.isTemplateTail(node)) {
      if (isPassed) found.push(node.text)
      return
    }
    if (titles && ts.isCallExpression(node) && isJest(node.expression)) {
      visit(node.expression, true)
      for (const argument of node.arguments) visit(argument, !ts.isFunctionLike(argument))
      return
    }
    ts.forEachChild(node, (child) => visit(child, isPassed))
  }
  visit(ts.createSourceFile('x.ts', source, ts.ScriptTarget.Latest), !titles)
  return found
}

/** Matches `it`, `it.each`, `it.each([])` and the like. */
function isJest(callee: ts.Expression): boolean {
  if (ts.isIdentifier(callee)) return ['describe', 'it', 'test'].includes(callee.text)
  if (ts.isPropertyAccessExpression(callee) || ts.isCallExpression(callee)) return isJest(callee.expression)
  return false
}
