/** The server of these tests, under short names. */

export {
  echoScript as echo,
  WEB_SOCKET_WAYS as WAYS,
  type WebSocketOffer as Offer,
  webSocketServer,
  webSocketServerEnd as serverEnd,
} from '@unshard/testkit'
