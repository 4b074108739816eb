/** Cases 6.5 to 6.23: text that is valid UTF-8 or not, after Markus Kuhn's decoder test. */

const greek = 'cebae1bdb9cf83cebcceb5'

/** Returns the bytes from one value to another, each followed by a space if `spaced`. */
function run(from: number, to: number, spaced = false): string {
  let hex = ''
  for (let byte = from; byte < to; byte++) hex += byte.toString(16) + (spaced ? '20' : '')
  return hex
}

const incomplete = ['c0', 'e080', 'f08080', 'f8808080', 'fc80808080', 'df', 'efbf', 'f7bfbf', 'fbbfbfbf', 'fdbfbfbfbf']

function nonCharacters(): string[] {
  const list = ['efbfbe', 'efbfbf']
  for (const lead of [0xf0, 0xf1, 0xf2, 0xf3, 0xf4])
    for (const second of [0x8f, 0x9f, 0xaf, 0xbf])
      for (const last of ['be', 'bf']) {
        const isTooLarge = lead === 0xf4 && second !== 0x8f
        const isOverlong = lead === 0xf0 && second === 0x8f
        if (!isTooLarge && !isOverlong) list.push(`${lead.toString(16)}${second.toString(16)}bf${last}`)
      }
  return list
}

/** Prefixes of the Greek word `κόσμε`: those that end within a character are invalid. */
const greekPrefixes = Array.from({ length: greek.length / 2 }, (_, i) => greek.slice(0, 2 * (i + 1)))

/** Title, whether the texts are valid, and the texts as hexadecimal digits. */
export const UTF8_GROUPS: readonly (readonly [title: string, isValid: boolean | 'decode', texts: readonly string[]])[] = [
  [
    'correct text',
    true,
    ['68656c6c6f24776f726c64', '68656c6c6fc2a2776f726c64', '68656c6c6fe282ac776f726c64', '68656c6c6ff0a4ada2776f726c64', greek],
  ],
  ['prefixes of correct text', 'decode', greekPrefixes],
  ['the first sequences of a length', 'decode', ['00', 'c280', 'e0a080', 'f0908080', 'f888808080', 'fc8480808080']],
  ['the last sequences of a length', 'decode', ['7f', 'dfbf', 'efbfbf', 'f7bfbfbf', 'fbbfbfbfbf', 'fdbfbfbfbfbf']],
  ['other boundaries', 'decode', ['ed9fbf', 'ee8080', 'efbfbd', 'f48fbfbf', 'f4908080']],
  [
    'unexpected continuation bytes',
    false,
    ['80', 'bf', '80bf', '80bf80', '80bf80bf', '80bf80bf80', '80bf80bf80bf', run(0x80, 0xbf)],
  ],
  [
    'lonely first bytes',
    false,
    [run(0xc0, 0xdf, true), run(0xe0, 0xef, true), run(0xf0, 0xf7, true), run(0xf8, 0xfb, true), run(0xfc, 0xfd, true)],
  ],
  ['sequences without their last byte', false, incomplete],
  ['incomplete sequences in a row', false, [incomplete.join('')]],
  ['impossible bytes', false, ['fe', 'ff', 'fefeffff']],
  ['overlong ASCII', false, ['c0af', 'e080af', 'f08080af', 'f8808080af', 'fc80808080af']],
  ['the longest overlong sequences', false, ['c1bf', 'e09fbf', 'f08fbfbf', 'f887bfbfbf', 'fc83bfbfbfbf']],
  ['overlong NUL', false, ['c080', 'e08080', 'f0808080', 'f880808080', 'fc8080808080']],
  ['single surrogates', false, ['eda080', 'edadbf', 'edae80', 'edafbf', 'edb080', 'edbe80', 'edbfbf']],
  [
    'paired surrogates',
    false,
    [
      'eda080edb080',
      'eda080edbfbf',
      'edadbfedb080',
      'edadbfedbfbf',
      'edae80edb080',
      'edae80edbfbf',
      'edafbfedb080',
      'edafbfedbfbf',
    ],
  ],
  ['code points that are not characters', true, nonCharacters()],
  ['specials', true, ['efbfb9', 'efbfba', 'efbfbb', 'efbfbc', 'efbfbd', 'efbfbe', 'efbfbf']],
]
