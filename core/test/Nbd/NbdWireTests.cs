using CsiThin.Core.Device;
using CsiThin.Core.Nbd;
using Xunit;

namespace CsiThin.Core.Tests.Nbd;

/// <summary>Headers byte for byte, as the specification draws them.</summary>
public sealed class NbdWireTests
{
    [Fact]
    public void A_request_is_decoded_field_by_field()
    {
        var bytes = Convert.FromHexString("25609513" + "0011" + "0006" + "0102030405060708" + "1112131415161718" + "21222324");
        Assert.True(NbdWire.TryDecodeRequest(bytes, out var header));
        const NbdCommandFlags flags = NbdCommandFlags.ForceUnitAccess | NbdCommandFlags.FastZero;
        Assert.Equal(new NbdRequestHeader(flags, NbdCommand.WriteZeroes, 0x0102030405060708, 0x1112131415161718, 0x21222324), header);
        bytes[0] ^= 1;
        Assert.False(NbdWire.TryDecodeRequest(bytes, out _));
    }

    [Fact]
    public void Replies_are_encoded_as_drawn()
    {
        var to = new byte[128];
        Assert.Equal(
            "67446698" + "0000001C" + "0102030405060708",
            Hex(to, NbdWire.EncodeSimpleReply(to, NbdErrno.NoSpace, 0x0102030405060708)));
        Assert.Equal(
            "668E33EF" + "0001" + "0001" + "0102030405060708" + "00001008" + "0000000000002000",
            Hex(to, NbdWire.EncodeReadChunk(to, 0x0102030405060708, 0x2000, 0x1000)));
        Assert.Equal(
            "668E33EF" + "0001" + "8001" + "0000000000000009" + "00000008" + "00000005" + "0002" + "6F68",
            Hex(to, NbdWire.EncodeErrorChunk(to, 9, NbdErrno.Io, "oh"u8)));
        Assert.Equal(
            "0003E889045565A9" + "00000007" + "80000001" + "00000005",
            Hex(to, NbdWire.EncodeOptionReply(to, NbdOption.Go, NbdOptionReply.ErrorUnsupported, 5)));
        Assert.Equal("4E42444D41474943" + "49484156454F5054" + "0003", Hex(to, NbdWire.EncodeGreeting(to, (NbdHandshakeFlags)3)));
    }

    [Fact]
    public void Extents_are_joined_and_clipped_to_the_request()
    {
        var to = new byte[128];
        List<BlockExtent> extents = [new(100, false), new(50, false), new(10, true), new(0, false), new(1L << 40, true)];
        Assert.Equal(
            "00000001" + "00000096" + "00000000" + "00001000" + "00000003", Hex(to, NbdWire.EncodeExtents(to, extents, 150 + 0x1000)));
        Assert.Equal("00000001" + "00000014" + "00000000", Hex(to, NbdWire.EncodeExtents(to, extents, 20)));
        Assert.Equal("00000001", Hex(to, NbdWire.EncodeExtents(to, [], 20)));
    }

    [Fact]
    public void Every_error_sentence_fits_the_head_of_a_reply()
    {
        foreach (var errno in Enum.GetValues<NbdErrno>())
            Assert.InRange(NbdErrors.Message(errno).Length, 1, NbdErrors.MaxMessageBytes);
        Assert.True(NbdProtocol.StructuredReplyBytes + 6 + NbdErrors.MaxMessageBytes <= NbdRequest.HeadRoomBytes);
    }

    private static string Hex(byte[] bytes, int length) => Convert.ToHexString(bytes, 0, length);
}
