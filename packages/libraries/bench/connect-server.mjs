/** `pnpm bench connect`: a server that answers every unary call with its message. Prints its port. */

import { on, startServer } from '../test/connect/programs/server.mjs'

on({ unary: ({ text }) => ({ text }) })
const { port } = await startServer('h2')
console.log(port)
