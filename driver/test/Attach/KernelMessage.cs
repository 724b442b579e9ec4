using System.Runtime.InteropServices;
using System.Text;
using CsiThin.Driver.Attach.Netlink;

namespace CsiThin.Driver.Tests.Attach;

/// <summary>Messages as the kernel writes them, put together byte by byte and not by the code under test.</summary>
internal static class KernelMessage
{
    public const ushort Family = 29;

    public static byte[] Acknowledge(uint sequence) => Error(sequence, 0);

    /// <summary>NLMSG_ERROR: the errno, and the header of the request; capped, with the kernel's sentence behind it.</summary>
    public static byte[] Error(uint sequence, int errno, string? sentence = null)
    {
        var text = sentence is null ? [] : Attribute(1, Encoding.ASCII.GetBytes(sentence + "\0"));
        var flags = (ushort)(0x100 | (sentence is null ? 0 : 0x200));
        return Message(NetlinkProtocol.TypeError, sequence, [.. Bytes(-errno), .. new byte[16], .. text], flags);
    }

    public static byte[] Reply(uint sequence, byte command, params byte[][] attributes) =>
        Message(Family, sequence, [command, 1, 0, 0, .. attributes.SelectMany(bytes => bytes)]);

    public static byte[] FamilyReply(uint sequence, ushort type = NetlinkProtocol.TypeControl) => Message(type, sequence,
    [
        1, 2, 0, 0,
        .. Attribute(2, "nbd\0"u8.ToArray()),
        .. Attribute(1, Bytes(Family)[..2]),
        .. Attribute(7 | 0x8000, Attribute(1 | 0x8000, [.. Attribute(2, Bytes(17)), .. Attribute(1, "nbd_mc_group\0"u8.ToArray())])),
    ]);

    public static byte[] Attribute(int type, byte[] value)
    {
        byte[] bytes = [.. Bytes(4 + value.Length)[..2], .. Bytes(type)[..2], .. value];
        return [.. bytes, .. new byte[(4 - bytes.Length % 4) % 4]];
    }

    public static byte[] Bytes(int value) => MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value)).ToArray();

    private static byte[] Message(ushort type, uint sequence, byte[] body, ushort flags = 0) =>
        [.. Bytes(16 + body.Length), .. Bytes(type)[..2], .. Bytes(flags)[..2], .. Bytes((int)sequence), 0, 0, 0, 0, .. body];
}
