// The service of gRPC's interop tests on grpc-go. Prints its port as the first line, and ends with its standard input.
package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

// raw passes messages as bytes.
type raw struct{}

func (raw) Marshal(v interface{}) ([]byte, error)      { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v interface{}) error { *v.(*[]byte) = data; return nil }
func (raw) Name() string                               { return "proto" }

// A field of a message: a number, or bytes.
type field struct {
	number uint64
	value  uint64
	bytes  []byte
}

func decode(data []byte) (fields []field) {
	for len(data) > 0 {
		key, n := binary.Uvarint(data)
		data = data[n:]
		value, n := binary.Uvarint(data)
		data = data[n:]
		decoded := field{number: key >> 3, value: value}
		if key&7 == 2 {
			decoded.bytes, data = data[:value], data[value:]
		}
		fields = append(fields, decoded)
	}
	return fields
}

// first returns the first field with a number, or an empty one.
func first(fields []field, number uint64) (field, bool) {
	for _, each := range fields {
		if each.number == number {
			return each, true
		}
	}
	return field{}, false
}

func uvarint(value uint64) []byte {
	buffer := make([]byte, binary.MaxVarintLen64)
	return buffer[:binary.PutUvarint(buffer, value)]
}

func withLength(number uint64, value []byte) []byte {
	return append(append(uvarint(number<<3|2), uvarint(uint64(len(value)))...), value...)
}

// payload returns a response whose field 1 is a payload of zeros.
func payload(size uint64) *[]byte {
	message := withLength(1, withLength(2, make([]byte, size)))
	return &message
}

func echoStatus(fields []field) error {
	echo, found := first(fields, 7)
	if !found {
		return nil
	}
	parts := decode(echo.bytes)
	code, _ := first(parts, 1)
	message, _ := first(parts, 2)
	return status.Error(codes.Code(code.value), string(message.bytes))
}

func echoMetadata(ctx context.Context, header, trailer func(metadata.MD)) {
	received, _ := metadata.FromIncomingContext(ctx)
	if values := received.Get("x-grpc-test-echo-initial"); len(values) > 0 {
		header(metadata.Pairs("x-grpc-test-echo-initial", values[0]))
	}
	if values := received.Get("x-grpc-test-echo-trailing-bin"); len(values) > 0 {
		trailer(metadata.Pairs("x-grpc-test-echo-trailing-bin", values[0]))
	}
}

// wire notes whether the last message of a call was compressed.
type wire struct{ isCompressed bool }
type wireKey struct{}
type watch struct{}

func (watch) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context {
	return context.WithValue(ctx, wireKey{}, &wire{})
}
func (watch) HandleRPC(ctx context.Context, event stats.RPCStats) {
	if in, ok := event.(*stats.InPayload); ok {
		ctx.Value(wireKey{}).(*wire).isCompressed = in.WireLength < in.Length
	}
}
func (watch) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (watch) HandleConn(context.Context, stats.ConnStats)                       {}

// checkCompressed refuses a message that is not compressed as its field says.
func checkCompressed(ctx context.Context, fields []field, number uint64) error {
	expected, found := first(fields, number)
	if !found {
		return nil
	}
	value, _ := first(decode(expected.bytes), 1)
	if ctx.Value(wireKey{}).(*wire).isCompressed != (value.value == 1) {
		return status.Error(codes.InvalidArgument, "the message is not compressed as expected")
	}
	return nil
}

func emptyCall(_ interface{}, _ context.Context, read func(interface{}) error, _ grpc.UnaryServerInterceptor) (interface{}, error) {
	var request []byte
	return &[]byte{}, read(&request)
}

func unaryCall(_ interface{}, ctx context.Context, read func(interface{}) error, _ grpc.UnaryServerInterceptor) (interface{}, error) {
	var request []byte
	if err := read(&request); err != nil {
		return nil, err
	}
	fields := decode(request)
	echoMetadata(ctx, func(md metadata.MD) { grpc.SetHeader(ctx, md) }, func(md metadata.MD) { grpc.SetTrailer(ctx, md) })
	if err := checkCompressed(ctx, fields, 8); err != nil {
		return nil, err
	}
	if err := echoStatus(fields); err != nil {
		return nil, err
	}
	size, _ := first(fields, 2)
	return payload(size.value), nil
}

func streamingInputCall(_ interface{}, stream grpc.ServerStream) error {
	total := 0
	for {
		var request []byte
		if err := stream.RecvMsg(&request); err == io.EOF {
			message := append(uvarint(1<<3), uvarint(uint64(total))...)
			return stream.SendMsg(&message)
		} else if err != nil {
			return err
		}
		fields := decode(request)
		if err := checkCompressed(stream.Context(), fields, 2); err != nil {
			return err
		}
		sent, _ := first(fields, 1)
		body, _ := first(decode(sent.bytes), 2)
		total += len(body.bytes)
	}
}

func respond(fields []field, stream grpc.ServerStream) error {
	for _, each := range fields {
		if each.number != 2 {
			continue
		}
		size, _ := first(decode(each.bytes), 1)
		if err := stream.SendMsg(payload(size.value)); err != nil {
			return err
		}
	}
	return nil
}

func streamingOutputCall(_ interface{}, stream grpc.ServerStream) error {
	var request []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	return respond(decode(request), stream)
}

func fullDuplexCall(_ interface{}, stream grpc.ServerStream) error {
	echoMetadata(stream.Context(), func(md metadata.MD) { stream.SetHeader(md) }, stream.SetTrailer)
	for {
		var request []byte
		if err := stream.RecvMsg(&request); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		fields := decode(request)
		if err := echoStatus(fields); err != nil {
			return err
		}
		if err := respond(fields, stream); err != nil {
			return err
		}
	}
}

func main() {
	go func() { io.Copy(io.Discard, os.Stdin); os.Exit(0) }()
	encoding.RegisterCodec(raw{})
	secure, err := credentials.NewServerTLSFromFile("cert.pem", "key.pem")
	if err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer(grpc.Creds(secure), grpc.StatsHandler(watch{}))
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "grpc.testing.TestService",
		HandlerType: (*interface{})(nil),
		Methods: []grpc.MethodDesc{
			{MethodName: "EmptyCall", Handler: emptyCall},
			{MethodName: "UnaryCall", Handler: unaryCall},
		},
		Streams: []grpc.StreamDesc{
			{StreamName: "StreamingInputCall", Handler: streamingInputCall, ClientStreams: true},
			{StreamName: "StreamingOutputCall", Handler: streamingOutputCall, ServerStreams: true},
			{StreamName: "FullDuplexCall", Handler: fullDuplexCall, ClientStreams: true, ServerStreams: true},
		},
	}, struct{}{})
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	panic(server.Serve(listener))
}
