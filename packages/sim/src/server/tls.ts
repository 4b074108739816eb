/** The server's half of modelled TLS: certificate, ALPN, tickets, and the ways in which it fails. */

import type { End, ServerEnd } from '../network/flow.js'
import { MISNAMED } from '../tls/certificates.js'
import { type ClientHello, encodeMessage, MessageReader, type ServerHello } from '../tls/messages.js'
import type { ConnectionOwner } from './connection-owner.js'

const SLOW_MS = 1_000

/** Waits for the hello of the client, then calls `next` with the chosen protocol. */
export function acceptTls(
  end: End,
  instance: ConnectionOwner,
  next: (end: ServerEnd, protocol: string | undefined) => void,
): void {
  const reader = new MessageReader<ClientHello>()
  const { kernel, machine, script } = instance
  end.listener = {
    onBytes(bytes) {
      const read = reader.push(bytes)
      if (read === undefined) return
      const answer = (): void => {
        if (script.ill === 'plain') {
          end.write(Buffer.from('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n'))
          return end.close()
        }
        const hello = helloOf(read.message, instance)
        end.write(encodeMessage(hello))
        if (hello.alert !== undefined) return end.close()
        next(end, hello.protocol)
        if (read.rest.length > 0) end.listener?.onBytes(read.rest)
      }
      if (script.ill === 'slow') kernel.after(SLOW_MS, () => machine.run(answer))
      else answer()
    },
    onEnd: () => end.close(),
    onError() {},
    onDrain() {},
  }
}

function helloOf(hello: ClientHello, instance: ConnectionOwner): ServerHello {
  const { script, model, tickets } = instance
  const { certificate, untrusted = false } = script
  const names = script.ill === 'misnamed' ? MISNAMED : certificate
  const own = [...(model.h2 === undefined ? [] : ['h2']), ...(model.h1 === undefined ? [] : ['http/1.1'])]
  const protocol = own.find((name) => hello.alpn.includes(name))
  const resumed = hello.ticket !== undefined && tickets.has(hello.ticket)
  const ticket = `${hello.servername} ${tickets.size}`
  tickets.add(ticket)
  const base = { names, trusted: !untrusted, resumed, ticket }
  if (script.ill === 'alert') {
    return {
      ...base,
      protocol: undefined,
      alert: { code: 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', message: 'ssl alert handshake failure' },
    }
  }
  if (protocol === undefined && hello.alpn.length > 0) {
    const alert = { code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL', message: 'tlsv1 alert no application protocol' }
    return { ...base, protocol: undefined, alert }
  }
  return { ...base, protocol }
}
