using System.IO.Pipelines;
using CsiThin.Driver.Rpc.Wire;
using Grpc.Core;
using Xunit;

namespace CsiThin.Driver.Tests.Rpc;

public sealed class WireTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("plain ~ text", "plain ~ text")]
    [InlineData("100%", "100%25")]
    [InlineData("é\n", "%C3%A9%0A")]
    [InlineData("😀", "%F0%9F%98%80")]
    [InlineData("\u007f", "%7F")]
    public void Messages_are_percent_encoded_utf8(string text, string encoded)
    {
        Assert.Equal(encoded, PercentCoding.Encode(text));
        Assert.Equal(text, PercentCoding.Decode(encoded));
    }

    [Theory]
    [InlineData("100%", "100%")]
    [InlineData("%4", "%4")]
    [InlineData("%zz%41", "%zzA")]
    [InlineData("%c3%a9", "é")]
    [InlineData("%FF", "\ufffd")]
    public void A_broken_message_is_read_as_far_as_it_goes(string encoded, string text) =>
        Assert.Equal(text, PercentCoding.Decode(encoded));

    [Fact]
    public void A_lone_surrogate_does_not_break_the_encoding() => Assert.Equal("%EF%BF%BD!", PercentCoding.Encode("\ud800!"));

    [Fact]
    public void A_long_message_is_cut_between_characters()
    {
        var encoded = PercentCoding.Encode("a" + new string('€', 5000));

        Assert.InRange(encoded.Length, 4000, 4096);
        Assert.Matches("^a€+\\.\\.\\. \\(shortened\\)$", PercentCoding.Decode(encoded));
    }

    [Theory]
    [InlineData("0n", 0)]
    [InlineData("1n", 1)]
    [InlineData("100n", 1)]
    [InlineData("101n", 2)]
    [InlineData("3u", 30)]
    [InlineData("2m", 20_000)]
    [InlineData("99999999S", 999_999_990_000_000)]
    [InlineData("1M", 600_000_000)]
    [InlineData("1H", 36_000_000_000)]
    public void Timeouts_are_read_in_every_unit(string value, long ticks)
    {
        Assert.True(TimeoutHeader.TryParse(value, out var timeout));
        Assert.Equal(ticks, timeout.Ticks);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("m")]
    [InlineData("1h")]
    [InlineData(" 1S")]
    [InlineData("+1S")]
    [InlineData("1.5S")]
    [InlineData("١S")]
    [InlineData("123456789S")]
    public void Malformed_timeouts_are_refused(string value) => Assert.False(TimeoutHeader.TryParse(value, out _));

    [Theory]
    [InlineData(0, "0u")]
    [InlineData(-5, "0u")]
    [InlineData(1, "1u")]
    [InlineData(999_999_990, "99999999u")]
    [InlineData(999_999_991, "100000m")]
    [InlineData(36_000_000_000_000, "3600000S")]
    [InlineData(long.MaxValue, "99999999H")]
    public void Timeouts_are_written_in_the_finest_unit_that_has_room(long ticks, string value) =>
        Assert.Equal(value, TimeoutHeader.Format(TimeSpan.FromTicks(ticks)));

    [Theory]
    [InlineData("AAE", new byte[] { 0, 1 })]
    [InlineData("AAE=", new byte[] { 0, 1 })]
    [InlineData("", new byte[0])]
    public void Binary_metadata_is_read_with_and_without_padding(string value, byte[] bytes)
    {
        var metadata = new Metadata();
        HeaderMetadata.Decode(metadata, "a-bin", value);

        Assert.Equal(bytes, metadata.GetValueBytes("a-bin"));
    }

    [Fact]
    public void Binary_metadata_may_come_as_a_list()
    {
        var metadata = new Metadata();
        HeaderMetadata.Decode(metadata, "a-bin", "AQ, Ag==");

        Assert.Equal([[1], [2]], metadata.GetAll("a-bin").Select(e => e.ValueBytes));
    }

    [Theory]
    [InlineData("grpc-status")]
    [InlineData("content-type")]
    [InlineData(":path")]
    [InlineData("te")]
    public void The_protocols_own_headers_are_no_metadata(string name)
    {
        var metadata = new Metadata();
        HeaderMetadata.Decode(metadata, name, "value");

        Assert.Empty(metadata);
    }

    [Fact]
    public async Task Messages_are_found_however_the_body_is_cut_into_pieces()
    {
        byte[] body = [.. RawClient.Frame([1, 2, 3]), .. RawClient.Frame([]), .. RawClient.Frame([4])];
        for (var pieceBytes = 1; pieceBytes <= body.Length; pieceBytes++)
        {
            var pipe = new Pipe();
            var reading = ReadAllAsync(pipe.Reader);
            foreach (var piece in body.Chunk(pieceBytes))
            {
                await pipe.Writer.WriteAsync(piece);
            }

            await pipe.Writer.CompleteAsync();
            Assert.Equal(["010203", "", "04"], await reading);
        }
    }

    [Fact]
    public async Task A_length_beyond_the_limit_is_refused_before_anything_of_the_message_came()
    {
        var pipe = new Pipe();
        await pipe.Writer.WriteAsync(new byte[] { 0, 255, 255, 255, 255 });

        var error = await Assert.ThrowsAsync<RpcException>(() => ReadAllAsync(pipe.Reader));

        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
        Assert.Contains("4294967295 bytes", error.Status.Detail, StringComparison.Ordinal);
    }

    private static async Task<List<string>> ReadAllAsync(PipeReader body)
    {
        var marshaller = Marshallers.Create<string>((_, _) => { }, c => Convert.ToHexString(c.PayloadAsNewBuffer()));
        var reader = new MessageReader<string>(
            body, marshaller, new MessageLimits(1000, null), new PeerEncoding(null, StatusCode.Unimplemented));
        var messages = new List<string>();
        while (await reader.ReadAsync(CancellationToken.None) is { } message)
        {
            messages.Add(message);
        }

        return messages;
    }
}
