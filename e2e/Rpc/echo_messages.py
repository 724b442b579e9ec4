"""The messages of echo.proto, from a descriptor set: Debian's protobuf needs no generated code."""
from google.protobuf import descriptor_pb2, descriptor_pool

try:
    from google.protobuf.message_factory import GetMessageClass
except ImportError:  # protobuf before 4.22
    from google.protobuf.message_factory import MessageFactory

    GetMessageClass = MessageFactory().GetPrototype

SERVICE = "/csithin.test.Echo/"


def load_note(path):
    """The class of the one message type."""
    pool = descriptor_pool.DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet()
    with open(path, "rb") as file:
        files.ParseFromString(file.read())
    for one in files.file:
        pool.Add(one)
    return GetMessageClass(pool.FindMessageTypeByName("csithin.test.Note"))
