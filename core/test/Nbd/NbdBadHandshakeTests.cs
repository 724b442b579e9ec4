using System.Text;
using CsiThin.Core.Nbd;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Nbd;

/// <summary>
/// Handshakes that no honest client sends: each is refused by a clear answer or a closed connection, and the server lives on.
/// </summary>
public sealed class NbdBadHandshakeTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly NbdFixture _nbd;

    public NbdBadHandshakeTests() => _nbd = new NbdFixture(options: new NbdServerOptions { TimeProvider = _time });

    public void Dispose()
    {
        using (var client = _nbd.Go())
            Assert.Equal(0u, client.Ask(NbdCommand.Flush, 0, 0).Error);
        _nbd.Dispose();
    }

    [Fact]
    public void An_option_of_4_GiB_is_refused_and_the_connection_closed()
    {
        using var client = _nbd.Connect();
        client.Greet();
        client.SendOption((uint)NbdOption.Go, "the first of many bytes"u8, claimedLength: uint.MaxValue);
        var refusal = client.ReceiveOptionReply();
        Assert.Equal((uint)NbdOptionReply.ErrorTooBig, refusal.Type);
        Assert.Contains("4294967295", refusal.Text, StringComparison.Ordinal);
        client.ExpectClosed();
    }

    [Fact]
    public void An_export_name_of_4_GiB_closes_the_connection()
    {
        using var client = _nbd.Connect();
        client.Greet();
        client.SendOption((uint)NbdOption.ExportName, [], claimedLength: uint.MaxValue);
        client.ExpectClosed();
    }

    [Fact]
    public void An_option_with_the_wrong_magic_closes_the_connection()
    {
        using var client = _nbd.Connect();
        client.Greet();
        client.SendOption((uint)NbdOption.List, [], magic: 0x4948415645000000);
        client.ExpectClosed();
    }

    [Fact]
    public void Client_flags_that_were_not_offered_close_the_connection()
    {
        using var client = _nbd.Connect();
        client.Greet(clientFlags: 7);
        client.ExpectClosed();
    }

    [Fact]
    public void More_options_than_any_handshake_needs_close_the_connection()
    {
        using var client = _nbd.Connect();
        client.Greet();
        for (var i = 0; i < Handshake.MaxOptions; i++)
            client.Haggle(NbdOption.StructuredReply, []);
        client.ExpectClosed();
    }

    [Theory]
    [InlineData(NbdOption.Go)]
    [InlineData(NbdOption.Info)]
    public void Malformed_data_of_go_and_info_is_invalid(object option)
    {
        byte[][] malformed =
        [
            [], [0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 4, (byte)'d'], [255, 255, 255, 255, 1, 2],
            [.. RawNbdClient.InfoData("disk", 1), 0], RawNbdClient.InfoData("disk", 1, 2)[..^1],
            RawNbdClient.InfoData([0xff, 0xfe]), RawNbdClient.InfoData([.. "disk\0"u8]), RawNbdClient.InfoData(new string('x', 4097)),
        ];
        using var client = _nbd.Connect();
        client.Greet();
        foreach (var data in malformed)
            Assert.Equal((uint)NbdOptionReply.ErrorInvalid, Assert.Single(client.Haggle((NbdOption)option, data)).Type);
        Assert.Equal((uint)NbdOptionReply.Ack, client.Haggle((NbdOption)option, RawNbdClient.InfoData("disk"))[^1].Type);
    }

    [Fact]
    public void Malformed_data_of_meta_context_options_is_invalid()
    {
        var good = RawNbdClient.MetaData("disk", "base:allocation");
        byte[][] malformed = [[], good[..7], good[..^1], [.. good, 0], [0, 0, 0, 0, 255, 255, 255, 255], [0, 0, 0, 1, 0xff, 0, 0, 0, 0]];
        using var client = _nbd.Connect();
        client.Greet();
        client.Haggle(NbdOption.StructuredReply, []);
        foreach (var data in malformed)
            Assert.Equal((uint)NbdOptionReply.ErrorInvalid, Assert.Single(client.Haggle(NbdOption.SetMetaContext, data)).Type);
    }

    [Fact]
    public void Options_that_take_no_data_refuse_some()
    {
        using var client = _nbd.Connect();
        client.Greet();
        Assert.Equal((uint)NbdOptionReply.ErrorInvalid, Assert.Single(client.Haggle(NbdOption.List, [1])).Type);
        Assert.Equal((uint)NbdOptionReply.ErrorInvalid, Assert.Single(client.Haggle(NbdOption.StructuredReply, [1])).Type);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("../../etc/passwd")]
    [InlineData("\u0001\u001b[31m\r\nforged: log line")]
    public void An_unknown_export_name_closes_the_connection_and_is_logged_on_one_line(string name)
    {
        using var client = _nbd.Connect();
        client.Greet();
        client.SendOption((uint)NbdOption.ExportName, Encoding.UTF8.GetBytes(name));
        client.ExpectClosed();
        NbdFixture.Until(() => _nbd.Messages.Any(m => m.Level == NbdLogLevel.Warning), "the refusal is logged");
        Assert.All(_nbd.Messages, m => Assert.DoesNotContain(m.Text, char.IsControl));
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(4097)]
    public void An_export_name_at_and_above_the_limit_is_just_not_found(int bytes)
    {
        using var client = _nbd.Connect();
        client.Greet();
        client.SendOption((uint)NbdOption.ExportName, new byte[bytes].Select(_ => (byte)'x').ToArray());
        client.ExpectClosed();
    }

    [Fact]
    public void Half_an_option_and_then_silence_ends_when_time_is_up_and_holds_nobody_up()
    {
        using var silent = _nbd.Connect();
        silent.Greet();
        silent.Send("IHAVE"u8);
        using (var other = _nbd.Go())
            Assert.Equal(0u, other.Ask(NbdCommand.Read, 0, 4096).Error);
        NbdFixture.Until(() => _time.Waiting == 1, "only the silent client's handshake is timed");
        _time.FireAll();
        silent.ExpectClosed();
    }

    [Fact]
    public void An_exception_of_the_exports_never_reaches_the_client()
    {
        _nbd.Exports.With("broken", 4096, () => throw new InvalidOperationException("secret detail"));
        using var client = _nbd.Connect();
        client.Greet();
        client.SendOption((uint)NbdOption.Go, RawNbdClient.InfoData("broken"));
        client.ExpectClosed();
        bool IsLogged() =>
            _nbd.Messages.Any(m => m is (NbdLogLevel.Error, var text) && text.Contains("secret detail", StringComparison.Ordinal));
        NbdFixture.Until(IsLogged, "it is logged");
    }
}
