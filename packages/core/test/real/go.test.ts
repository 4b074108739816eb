/** Go's net/http as the server: it sends credit for every read, however small (RFC 9113 §6.9). */

import { startGo } from '@unshard/testkit'
import { clientFixture } from '../client/fixture.js'

const { client: createClient, tls, defer } = clientFixture()

// Go closes a connection with 10,000 queued control frames: 300,000 bytes in reads of 64 are fewer.

const SERVER = `package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
)

func main() {
	go func() { io.Copy(io.Discard, os.Stdin); os.Exit(0) }()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil { panic(err) }
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	http.ServeTLS(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.URL.Query().Get("read"))
		buffer := make([]byte, size)
		total := 0
		for {
			n, err := r.Body.Read(buffer)
			total += n
			if err != nil { break }
		}
		fmt.Fprint(w, total)
	}), "cert.pem", "key.pem")
}
`

it('uploads that a Go handler reads in parts of 64 to 1,024 bytes arrive complete on one connection', async () => {
  const { cert, key } = await tls()
  const server = await startGo(SERVER, { 'cert.pem': cert, 'key.pem': key })
  if (server === undefined) return
  defer(() => server.stop())
  const client = createClient()
  const url = `https://a.test.example:${server.port}`
  const upload = async (bytes: number, read: number): Promise<string> => {
    const response = await client.request({ url: `${url}/?read=${read}`, method: 'POST', body: Buffer.alloc(bytes, 'x') })
    return response.text()
  }
  const uploads = [
    [100_000, 64],
    [300_000, 64],
    [1_000_000, 1_024],
    [1_000_000, 256],
  ] as const
  const received = await Promise.all(uploads.map(([bytes, read]) => upload(bytes, read)))
  expect(received).toEqual(uploads.map(([bytes]) => String(bytes)))
  expect(client.stats().totals).toMatchObject({ dials: 1, replayed: 0 })
})
