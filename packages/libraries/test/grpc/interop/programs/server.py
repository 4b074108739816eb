"""The service of gRPC's interop tests on its C core. Arguments: files with the certificate and the key.

Prints its port as the first line, and ends with its standard input.
"""

import sys
from concurrent import futures

import grpc

METHODS = "/grpc.testing.TestService/"


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def decode(data):
    """Returns the values of a message by field number."""
    fields, at = {}, 0
    while at < len(data):
        key, at = varint(data, at)
        value, at = varint(data, at)
        if key & 7 == 2:
            value, at = data[at : at + value], at + value
        fields.setdefault(key >> 3, []).append(value)
    return fields


def first(fields, number, default):
    return fields.get(number, [default])[0]


def encode_varint(value):
    encoded = b""
    while value > 0x7F:
        encoded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return encoded + bytes([value])


def with_length(number, value):
    return encode_varint(number << 3 | 2) + encode_varint(len(value)) + value


def payload(size):
    """Returns a response whose field 1 is a payload of zeros."""
    return with_length(1, with_length(2, bytes(size)))


def echo_metadata(context):
    metadata = dict(context.invocation_metadata())
    if "x-grpc-test-echo-initial" in metadata:
        context.send_initial_metadata((("x-grpc-test-echo-initial", metadata["x-grpc-test-echo-initial"]),))
    if "x-grpc-test-echo-trailing-bin" in metadata:
        context.set_trailing_metadata((("x-grpc-test-echo-trailing-bin", metadata["x-grpc-test-echo-trailing-bin"]),))


def echo_status(fields, context):
    status = first(fields, 7, None)
    if status is not None:
        status = decode(status)
        code = next(each for each in grpc.StatusCode if each.value[0] == first(status, 1, 0))
        context.abort(code, first(status, 2, b"").decode())


def is_true(message):
    return first(decode(message), 1, 0) == 1


def empty_call(request, context):
    return b""


def unary_call(request, context):
    fields = decode(request)
    echo_metadata(context)
    echo_status(fields, context)
    if 6 in fields:
        wanted = is_true(fields[6][0])
        context.set_compression(grpc.Compression.Gzip if wanted else grpc.Compression.NoCompression)
    return payload(first(fields, 2, 0))


def streaming_input_call(requests, context):
    total = 0
    for request in requests:
        total += len(first(decode(first(decode(request), 1, b"")), 2, b""))
    return encode_varint(1 << 3) + encode_varint(total)


def responses(fields, context):
    for parameters in fields.get(2, []):
        parameters = decode(parameters)
        if 3 in parameters and not is_true(parameters[3][0]):
            context.disable_next_message_compression()
        yield payload(first(parameters, 1, 0))


def streaming_output_call(request, context):
    fields = decode(request)
    if any(3 in decode(each) for each in fields.get(2, [])):
        context.set_compression(grpc.Compression.Gzip)
    yield from responses(fields, context)


def full_duplex_call(requests, context):
    echo_metadata(context)
    for request in requests:
        fields = decode(request)
        echo_status(fields, context)
        yield from responses(fields, context)


class Service(grpc.GenericRpcHandler):
    methods = {
        "EmptyCall": grpc.unary_unary_rpc_method_handler(empty_call),
        "UnaryCall": grpc.unary_unary_rpc_method_handler(unary_call),
        "StreamingInputCall": grpc.stream_unary_rpc_method_handler(streaming_input_call),
        "StreamingOutputCall": grpc.unary_stream_rpc_method_handler(streaming_output_call),
        "FullDuplexCall": grpc.stream_stream_rpc_method_handler(full_duplex_call),
    }

    def service(self, details):
        return self.methods.get(details.method[len(METHODS) :]) if details.method.startswith(METHODS) else None


def main(certificate, key):
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=32), handlers=[Service()])
    with open(certificate, "rb") as certificate_file, open(key, "rb") as key_file:
        pair = (key_file.read(), certificate_file.read())
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(None)


main(*sys.argv[1:])
