"""CSI calls through Debian's python3-grpcio, a client that is not ours.

usage: csi_client.py DESCRIPTORS SOCKET  <calls  >answers
Each line of input is {"method": "/csi.v1.Controller/CreateVolume", "request": {...}, "timeout": seconds},
each line of output {"code": "OK", "message": "", "response": {...}}. A request {"invalid": N} sends N bytes that are no message.
"""
import json
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format

try:
    from google.protobuf.message_factory import GetMessageClass
except ImportError:  # protobuf before 4.22
    from google.protobuf.message_factory import MessageFactory

    GetMessageClass = MessageFactory().GetPrototype


def load(path):
    pool = descriptor_pool.DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet()
    with open(path, "rb") as file:
        files.ParseFromString(file.read())
    for one in files.file:
        pool.Add(one)
    return pool


def call(pool, channel, wanted):
    service, method = wanted["method"].strip("/").split("/")
    descriptor = pool.FindServiceByName(service).methods_by_name[method]
    response_class = GetMessageClass(descriptor.output_type)
    request = wanted.get("request", {})
    if "invalid" in request:
        raw = b"\xff" * request["invalid"]
    else:
        raw = json_format.ParseDict(request, GetMessageClass(descriptor.input_type)()).SerializeToString()
    stub = channel.unary_unary(wanted["method"], request_serializer=None, response_deserializer=response_class.FromString)
    try:
        response = stub(raw, timeout=wanted.get("timeout", 60))
        return {"code": "OK", "message": "", "response": json_format.MessageToDict(response)}
    except grpc.RpcError as error:
        return {"code": error.code().name, "message": error.details()}


def main():
    pool = load(sys.argv[1])
    with grpc.insecure_channel("unix:" + sys.argv[2]) as channel:
        for line in sys.stdin:
            print(json.dumps(call(pool, channel, json.loads(line))), flush=True)


main()
