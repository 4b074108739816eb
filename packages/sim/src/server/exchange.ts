/** One request at a server, whichever protocol it came by: what the application sees of it. */

export interface RequestHead {
  readonly id: number
  readonly method: string
  readonly authority: string
  readonly credentials: string | undefined
}

/** An exchange as the application sees it. */
export interface ServerExchange {
  readonly head: RequestHead
  /** Whether the client or the connection has ended it. */
  readonly over: boolean
  /** Called when the content of the request is complete, perhaps at once. */
  onUpload: (() => void) | undefined
  readonly uploaded: boolean
  /** Sends status and fields. `length` announces the bytes. */
  respond(status: number, length: number | undefined): void
  /** Appends bytes of the marked content. */
  append(bytes: number): void
  finish(): void
  /** The server dies of the request, as far as this connection sees it. */
  die(how: 'reset' | 'goaway' | 'close'): void
}
