/** A server of Go's net/http. */

import { HOST, SHORT, SLOW, SLOW_MS, STREAMED, UPLOAD } from './real-server.js'

/**
 * Reads uploads in pieces of 4 KiB, as many handlers do. net/http has no idle time unless it is
 * set.
 */
export function goProgram(idleSeconds: number): string {
  return `package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil { panic(err) }
	mux := http.NewServeMux()
	mux.HandleFunc("${HOST}${SHORT}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") })
	mux.HandleFunc("${HOST}${UPLOAD}", func(w http.ResponseWriter, r *http.Request) {
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
	mux.HandleFunc("${HOST}${SLOW}", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(${SLOW_MS} * time.Millisecond)
		fmt.Fprint(w, "ok")
	})
	server := &http.Server{Handler: mux, IdleTimeout: ${idleSeconds} * time.Second}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() { io.Copy(io.Discard, os.Stdin); os.Exit(0) }()
	go func() { <-signals; server.Shutdown(context.Background()) }()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port, os.Getpid())
	server.ServeTLS(listener, "cert.pem", "key.pem")
	select {}
}
`
}
