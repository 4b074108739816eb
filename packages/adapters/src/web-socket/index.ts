/** WebSockets over the connections of a client: the platform's interfaces, on a stream of HTTP/2 where the server offers it. */

export type { WebSocketCloseEvent, WebSocketErrorEvent, WebSocketEventMap } from './events.js'
export type { WebSocketInit, WebSocketOptions, WebSocketStreamInit } from './options.js'
export { createWebSocket, WebSocket } from './web-socket.js'
export { type WebSocketCloseInfo, WebSocketError } from './web-socket-error.js'
export { type WebSocketMessage, type WebSocketOpenInfo, WebSocketStream } from './web-socket-stream.js'
