/** Real programs, started with their defaults as far as a test can. */

import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import {
  type Credentials,
  type ExternalServer,
  type ExternalServerOptions,
  startApache,
  startCaddy,
  startGo,
  startH2o,
  startHaproxy,
  startNghttpd,
  startNginx,
} from '@unshard/testkit'
import type { RealServer } from './measure.js'

/** A host that the server has, and one that it does not have. */
export const HOST = 'a.models.example'
export const OTHER = 'b.models.example'
/** Answers in parts, without a length. */
export const STREAMED = '/behind/streamed'

/** Starts a program; `undefined` if it is not installed. */
export type Start = (tls: Credentials) => Promise<RealServer | undefined>

type ExternalStart = (options: ExternalServerOptions) => Promise<ExternalServer | undefined>

/** Content of unknown length, where a program forwards. */
const behind: NonNullable<ExternalServerOptions['behind']> = (_, response) => {
  response.write('one')
  setTimeout(() => response.end('two'), 50)
}

function external(start: ExternalStart, options: ExternalServerOptions = {}): Start {
  return async (tls) => {
    const server = await start({ tls, behind, http1: true, ...options })
    if (server === undefined) return undefined
    const { reload } = server
    const shutdown = reload ?? (() => Promise.resolve(void process.kill(server.pid, 'SIGTERM')))
    return { port: server.port, stop: () => server.stop(), shutdown }
  }
}

const GO = `package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil { panic(err) }
	mux := http.NewServeMux()
	mux.HandleFunc("${HOST}/small.txt", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") })
	mux.HandleFunc("${HOST}/upload", func(w http.ResponseWriter, r *http.Request) {
		buffer := make([]byte, 4096)
		for {
			if _, err := r.Body.Read(buffer); err != nil { break }
		}
		fmt.Fprint(w, "ok")
	})
	mux.HandleFunc("${HOST}${STREAMED}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "one")
		w.(http.Flusher).Flush()
		fmt.Fprint(w, "two")
	})
	server := &http.Server{Handler: mux}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() { io.Copy(io.Discard, os.Stdin); os.Exit(0) }()
	go func() { <-signals; server.Shutdown(context.Background()) }()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port, os.Getpid())
	server.ServeTLS(listener, "cert.pem", "key.pem")
	select {}
}
`

const startGoServer: Start = async ({ cert, key }) => {
  const server = await startGo(GO, { 'cert.pem': cert, 'key.pem': key })
  if (server === undefined) return undefined
  return { port: server.port, stop: () => server.stop(), shutdown: () => Promise.resolve(server.kill('SIGTERM')) }
}

const startNode: Start = async ({ cert, key }) => {
  const sessions = new Set<http2.ServerHttp2Session>()
  const server = http2.createSecureServer({ cert, key, allowHTTP1: true }, (request, response) => {
    request.resume()
    if (request.url !== STREAMED) return void request.on('end', () => response.end('ok'))
    response.write('one')
    setTimeout(() => response.end('two'), 50)
  })
  server.on('session', (session) => sessions.add(session))
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    shutdown: () => {
      for (const session of sessions) session.close()
      return Promise.resolve()
    },
    stop: async () => {
      for (const session of sessions) session.destroy()
      server.close()
      await pause(10)
    },
  }
}

export const SERVERS: Readonly<Record<string, Start>> = {
  nginx: external(startNginx),
  go: startGoServer,
  node: startNode,
  apache: external(startApache),
  haproxy: external(startHaproxy),
  h2o: external(startH2o),
  caddy: external(startCaddy),
  nghttpd: external(startNghttpd),
}

/** Servers that are told to refuse hosts on connections of others, as they do with certificates of clients. */
export const STRICT: Readonly<Record<string, Start>> = {
  apache: external(startApache, { strictHost: OTHER }),
  caddy: external(startCaddy, { strictHost: OTHER }),
}

/** nginx with its default number of requests for each connection. */
export const startLimitedNginx: Start = external((options) => startNginx({ ...options, keepaliveRequests: 1_000 }))
