/** Colors of the output. */

import picocolors from 'picocolors'

/** Functions that color a text, or return it as it is. */
export type Colors = ReturnType<typeof picocolors.createColors>

/** Without any color. */
export const NO_COLORS: Colors = picocolors.createColors(false)

/** Returns the colors for a stream: none for a file, a pipe, or with `NO_COLOR`. `FORCE_COLOR` colors those too. */
export function colorsOf(stream: { readonly isTTY?: boolean }): Colors {
  const isShown = stream.isTTY === true || Boolean(process.env.FORCE_COLOR)
  return picocolors.createColors(isShown && picocolors.isColorSupported)
}
