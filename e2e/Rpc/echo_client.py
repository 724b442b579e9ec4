"""Checks our gRPC server with Debian's python3-grpcio, a client that is not ours.

usage: echo_client.py DESCRIPTORS TARGET CHECK
Ends with 0 when the check holds, with an assertion's traceback when it does not.
"""
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc

from echo_messages import SERVICE, load_note

Note = load_note(sys.argv[1])
LIMIT = 4 * 1024 * 1024
PATIENCE = 60  # seconds until a broken server fails a check instead of hanging it


class Client:
    def __init__(self, target, **options):
        self.channel = grpc.insecure_channel(target, options=list(options.items()))

    def _shape(self, make, method):
        return make(SERVICE + method, request_serializer=Note.SerializeToString, response_deserializer=Note.FromString)

    def unary(self, method):
        return self._shape(self.channel.unary_unary, method)

    def stream(self, method):
        return self._shape(self.channel.unary_stream, method)

    def client_stream(self, method):
        return self._shape(self.channel.stream_unary, method)

    def duplex(self, method):
        return self._shape(self.channel.stream_stream, method)


def refused(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except grpc.RpcError as error:
        return error
    raise AssertionError("the call succeeded")


def same(actual, expected):
    assert actual == expected, f"{actual!r} is not {expected!r}"


def check_unary(client):
    say = client.unary("Say")
    same(say(Note(text="grüezi", number=-5), timeout=PATIENCE), Note(text="grüezi", number=-5))
    same(say(Note(), timeout=PATIENCE), Note())


def check_concurrent(client):
    say = client.unary("Say")
    futures = [say.future(Note(number=i), timeout=PATIENCE) for i in range(1000)]
    same([f.result().number for f in futures], list(range(1000)))
    with ThreadPoolExecutor(16) as threads:
        answers = threads.map(lambda i: say(Note(number=i), timeout=PATIENCE).number, range(500))
        same(list(answers), list(range(500)))


def check_streams(client):
    count = client.stream("Count")
    same([n.number for n in count(Note(number=1000), timeout=PATIENCE)], list(range(1000)))
    same([n.number for n in count(Note(number=0), timeout=PATIENCE)], [])
    same(sum(len(n.data) for n in count(Note(number=8, data=bytes(1000000)), timeout=PATIENCE)), 8000000)
    same(client.client_stream("Sum")((Note(number=i) for i in range(101)), timeout=PATIENCE).number, 5050)
    notes = [Note(number=i, text="é" * i) for i in range(50)]
    same(list(client.duplex("Chat")(iter(notes), timeout=PATIENCE)), notes)


def check_status_after_messages(client):
    call = client.stream("Count")(Note(number=3, text="fail"), timeout=PATIENCE)
    numbers = []
    try:
        for note in call:
            numbers.append(note.number)
    except grpc.RpcError as error:
        same((error.code(), error.details()), (grpc.StatusCode.DATA_LOSS, "lost after the messages"))
    same(numbers, [0, 1, 2])
    same(call.code(), grpc.StatusCode.DATA_LOSS)


def check_deadline(client):
    same(refused(client.unary("Wait"), Note(), timeout=0.3).code(), grpc.StatusCode.DEADLINE_EXCEEDED)
    same(client.unary("Say")(Note(text="after"), timeout=PATIENCE).text, "after")


def check_cancellation(client):
    call = client.stream("Count")(Note(number=1, text="wait"), timeout=PATIENCE)
    same(next(call).number, 0)
    call.cancel()
    same(call.code(), grpc.StatusCode.CANCELLED)
    same(client.unary("Say")(Note(text="after"), timeout=PATIENCE).text, "after")


def check_metadata(client):
    sent = (("x-text", "a, b"), ("x-bytes-bin", b"\x00\xff,\n="), ("x-none-bin", b""))
    _, call = client.unary("Say").with_call(Note(), metadata=sent, timeout=PATIENCE)
    headers, trailers = dict(call.initial_metadata()), dict(call.trailing_metadata())
    for key, value in sent:
        same(headers[key], value)
        same(trailers["trailer-" + key], value)


def check_errors(client):
    fail = client.unary("Fail")
    for detail in ["plain", "", "100 % of größe — 日本 😀", "%41 stays", "line\r\nbreak\ttab", "volume 'a/b'"]:
        for code in grpc.StatusCode:
            if code is not grpc.StatusCode.OK:
                error = refused(fail, Note(number=code.value[0], text=detail), timeout=PATIENCE)
                same((error.code(), error.details()), (code, detail))
                same(dict(error.trailing_metadata())["why"], "as asked")


def check_long_error(client):
    error = refused(client.unary("Fail"), Note(number=3, text="ü" * 100000), timeout=PATIENCE)
    same(error.code(), grpc.StatusCode.INVALID_ARGUMENT)
    assert error.details().startswith("üüü"), error.details()


def check_crash(client):
    error = refused(client.unary("Crash"), Note(), timeout=PATIENCE)
    same(error.code(), grpc.StatusCode.UNKNOWN)
    assert "swordfish" not in error.details() and "Exception" not in error.details(), error.details()


def check_limits(client):
    def note_of(length):
        note = Note(data=bytes(length))
        return Note(data=bytes(2 * length - note.ByteSize()))

    big = Client(sys.argv[2], **{"grpc.max_receive_message_length": -1})
    same(big.unary("Say")(note_of(LIMIT), timeout=PATIENCE).ByteSize(), LIMIT)
    error = refused(client.unary("Say"), note_of(LIMIT + 1), timeout=PATIENCE)
    same(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert "4194305" in error.details() and "4194304" in error.details(), error.details()
    error = refused(client.unary("Say"), note_of(64 * 1024 * 1024), timeout=PATIENCE)
    same(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
    same(client.unary("Say")(Note(text="after"), timeout=PATIENCE).text, "after")


def check_unknown(client):
    error = refused(client.unary("Shout"), Note(), timeout=PATIENCE)
    same((error.code(), error.details()), (grpc.StatusCode.UNIMPLEMENTED, "there is no method '/csithin.test.Echo/Shout' here"))
    other = client.channel.unary_unary("/other.Service/Say", request_serializer=None, response_deserializer=None)
    error = refused(other, b"", timeout=PATIENCE)
    same((error.code(), error.details()), (grpc.StatusCode.UNIMPLEMENTED, "there is no service 'other.Service' here"))


def check_compression(client):
    say = client.unary("Say")
    error = refused(say, Note(data=bytes(10000)), compression=grpc.Compression.Gzip, timeout=PATIENCE)
    same(error.code(), grpc.StatusCode.UNIMPLEMENTED)
    assert "gzip" in error.details(), error.details()


def check_malformed(client):
    raw = client.channel.unary_unary(SERVICE + "Say", request_serializer=None, response_deserializer=None)
    same(refused(raw, b"\xff" * 20, timeout=PATIENCE).code(), grpc.StatusCode.INTERNAL)
    same(client.unary("Say")(Note(text="after"), timeout=PATIENCE).text, "after")


globals()["check_" + sys.argv[3]](Client(sys.argv[2]))
