"""The echo service on Debian's python3-grpcio, a server that is not ours, for our client.

usage: echo_server.py DESCRIPTORS TARGET
Prints "ready" when it listens, and ends when its input does.
"""
import sys
from concurrent import futures

import grpc

from echo_messages import SERVICE, load_note

Note = load_note(sys.argv[1])
CODES = {code.value[0]: code for code in grpc.StatusCode}


def say(note, context):
    ours = [(k, v) for k, v in context.invocation_metadata() if k.startswith("x-")]
    context.send_initial_metadata(ours)
    context.set_trailing_metadata([("trailer-" + k, v) for k, v in ours])
    return note


def fetch(note, context):
    return Note(data=bytes(note.number))


def fail(note, context):
    context.set_trailing_metadata([("why", "as asked")])
    context.abort(CODES[note.number], note.text)


def crash(note, context):
    raise ValueError("as asked")


def wait(note, context):
    cancelled = futures.Future()
    context.add_callback(lambda: cancelled.set_result(None))
    cancelled.result()
    return note


def count(note, context):
    for i in range(note.number):
        yield Note(number=i, data=note.data)
    if note.text == "fail":
        context.abort(grpc.StatusCode.DATA_LOSS, "lost after the messages")


def add_up(notes, context):
    return Note(number=sum(note.number for note in notes))


def chat(notes, context):
    yield from notes


def handler(make, function):
    return make(function, request_deserializer=Note.FromString, response_serializer=Note.SerializeToString)


server = grpc.server(futures.ThreadPoolExecutor(16))
server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE.strip("/"), {
    "Say": handler(grpc.unary_unary_rpc_method_handler, say),
    "Fetch": handler(grpc.unary_unary_rpc_method_handler, fetch),
    "Fail": handler(grpc.unary_unary_rpc_method_handler, fail),
    "Crash": handler(grpc.unary_unary_rpc_method_handler, crash),
    "Wait": handler(grpc.unary_unary_rpc_method_handler, wait),
    "Count": handler(grpc.unary_stream_rpc_method_handler, count),
    "Sum": handler(grpc.stream_unary_rpc_method_handler, add_up),
    "Chat": handler(grpc.stream_stream_rpc_method_handler, chat),
})])
server.add_insecure_port(sys.argv[2])
server.start()
print("ready", flush=True)
sys.stdin.read()
server.stop(None)
