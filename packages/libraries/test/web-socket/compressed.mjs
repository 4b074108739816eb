/** Sends a message to the server at URL that is compressed both ways, and prints what came back. */

import { WebSocket } from 'unshard/web-socket'

const socket = new WebSocket(process.env.URL)
socket.addEventListener('error', ({ error }) => {
  throw error
})
socket.addEventListener('open', () => socket.send('compressed '.repeat(1_000)))
socket.addEventListener('message', ({ data }) => {
  console.log(JSON.stringify({ extensions: socket.extensions, length: data.length }))
  socket.close()
})
