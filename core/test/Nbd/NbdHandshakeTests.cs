using System.Buffers.Binary;
using System.Text;
using CsiThin.Core.Nbd;
using Xunit;

namespace CsiThin.Core.Tests.Nbd;

public sealed class NbdHandshakeTests : IDisposable
{
    // HAS_FLAGS, SEND_FLUSH, SEND_FUA, SEND_TRIM, SEND_WRITE_ZEROES, CAN_MULTI_CONN, SEND_CACHE, SEND_FAST_ZERO; no SEND_DF without
    // structured replies.
    private const ushort WritableFlags = 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;

    private readonly NbdFixture _nbd = new();

    public void Dispose() => _nbd.Dispose();

    [Fact]
    public void Greeting_offers_fixed_newstyle_without_padding()
    {
        using var client = _nbd.Connect();
        Assert.Equal(3, client.Greet());
    }

    [Fact]
    public void Export_name_enters_transmission_with_size_and_flags()
    {
        using var client = _nbd.Connect();
        client.Greet();
        client.SendOption((uint)NbdOption.ExportName, "disk"u8);
        var facts = client.Receive(10);
        Assert.Equal((ulong)NbdFixture.DiskBytes, BinaryPrimitives.ReadUInt64BigEndian(facts));
        Assert.Equal(WritableFlags, BinaryPrimitives.ReadUInt16BigEndian(facts.AsSpan(8)));
        Assert.Equal(0u, client.Ask(NbdCommand.Flush, 0, 0).Error);
    }

    [Fact]
    public void Export_name_pads_with_zeroes_unless_told_not_to()
    {
        using var client = _nbd.Connect();
        client.Greet(clientFlags: 1);
        client.SendOption((uint)NbdOption.ExportName, "disk"u8);
        Assert.Equal(new byte[124], client.Receive(134)[10..]);
        Assert.Equal(0u, client.Ask(NbdCommand.Flush, 0, 0).Error);
    }

    [Fact]
    public void A_client_without_fixed_newstyle_may_only_name_an_export()
    {
        using var fine = _nbd.Connect();
        fine.Greet(clientFlags: 0);
        fine.SendOption((uint)NbdOption.ExportName, "disk"u8);
        fine.Receive(134);
        using var wrong = _nbd.Connect();
        wrong.Greet(clientFlags: 0);
        wrong.SendOption((uint)NbdOption.List, []);
        wrong.ExpectClosed();
    }

    [Fact]
    public void Go_tells_everything_that_was_asked_for()
    {
        using var client = _nbd.Connect();
        client.Greet();
        var replies = client.Haggle(NbdOption.Go, RawNbdClient.InfoData("disk", 1, 2, 3, 99));
        var infos = replies.SkipLast(1).ToDictionary(r => BinaryPrimitives.ReadUInt16BigEndian(r.Data), r => r.Data[2..]);
        Assert.Equal([0, 1, 2, 3], infos.Keys.Order().Select(key => (int)key));
        Assert.Equal("disk", Encoding.UTF8.GetString(infos[1]));
        Assert.Equal("a disk", Encoding.UTF8.GetString(infos[2]));
        Assert.Equal([1, 65536, 32 << 20], Enumerable.Range(0, 3).Select(i => BinaryPrimitives.ReadInt32BigEndian(infos[3].AsSpan(4 * i))));
        Assert.Equal((uint)NbdOptionReply.Ack, replies[^1].Type);
        Assert.Equal(0u, client.Ask(NbdCommand.Flush, 0, 0).Error);
    }

    [Fact]
    public void Info_tells_and_goes_on_haggling()
    {
        using var client = _nbd.Connect();
        client.Greet();
        Assert.Equal(2, client.Haggle(NbdOption.Info, RawNbdClient.InfoData("snapshot")).Count);
        Assert.Equal((uint)NbdOptionReply.ErrorUnknown, Assert.Single(client.Haggle(NbdOption.Info, RawNbdClient.InfoData("none"))).Type);
        Assert.Equal((uint)NbdOptionReply.ErrorUnknown, Assert.Single(client.Haggle(NbdOption.Go, RawNbdClient.InfoData("none"))).Type);
        Assert.Equal((uint)NbdOptionReply.Ack, client.Haggle(NbdOption.Go, RawNbdClient.InfoData("disk"))[^1].Type);
    }

    [Fact]
    public void A_read_only_export_offers_nothing_that_writes()
    {
        using var client = _nbd.Connect();
        var (size, flags) = client.Go("snapshot");
        Assert.Equal((ulong)NbdFixture.SnapshotBytes, size);
        Assert.Equal(
            NbdTransmissionFlags.HasFlags | NbdTransmissionFlags.ReadOnly | NbdTransmissionFlags.SendFlush | NbdTransmissionFlags.SendFua
            | NbdTransmissionFlags.SendDf | NbdTransmissionFlags.CanMultiConn | NbdTransmissionFlags.SendCache,
            (NbdTransmissionFlags)flags);
    }

    [Fact]
    public void List_names_every_export()
    {
        using var client = _nbd.Connect();
        client.Greet();
        var replies = client.Haggle(NbdOption.List, []);
        Assert.Equal(["\0\0\0\u0004diska disk", "\0\0\0\u0008snapshot"], replies.SkipLast(1).Select(r => r.Text));
        Assert.Equal((uint)NbdOptionReply.Ack, replies[^1].Type);
    }

    [Fact]
    public void A_list_of_thousands_reaches_a_client_that_reads_late()
    {
        for (var i = 0; i < 5000; i++)
            _nbd.Exports.With($"export {i:d4} {new string('x', 200)}", _nbd.Disk);
        using var client = _nbd.Connect();
        client.Greet();
        Assert.Equal(5003, client.Haggle(NbdOption.List, []).Count);
    }

    [Fact]
    public void Abort_is_acknowledged_and_ends_the_session()
    {
        using var client = _nbd.Connect();
        client.Greet();
        Assert.Equal((uint)NbdOptionReply.Ack, Assert.Single(client.Haggle(NbdOption.Abort, [])).Type);
        client.ExpectClosed();
    }

    [Theory]
    [InlineData(4)] // PEEK_EXPORT
    [InlineData(5)] // STARTTLS
    [InlineData(11)] // EXTENDED_HEADERS
    [InlineData(0)]
    [InlineData(0x12345678)]
    public void Options_we_do_not_have_are_unsupported_and_haggling_goes_on(uint option)
    {
        using var client = _nbd.Connect();
        client.Greet();
        Assert.Equal((uint)NbdOptionReply.ErrorUnsupported, Assert.Single(client.Haggle((NbdOption)option, "some data"u8)).Type);
        Assert.Equal((uint)NbdOptionReply.Ack, client.Haggle(NbdOption.Go, RawNbdClient.InfoData("disk"))[^1].Type);
    }

    [Fact]
    public void What_is_sent_ahead_of_the_handshakes_end_is_served()
    {
        using var client = _nbd.Connect();
        client.Greet();
        client.SendOption((uint)NbdOption.Go, RawNbdClient.InfoData("disk"));
        var cookie = client.SendRequest(NbdCommand.Write, 0, 3, payload: "abc"u8);
        client.ReceiveOptionReply();
        client.ReceiveOptionReply();
        Assert.Equal(cookie, client.ReceiveReply().Cookie);
        Assert.Equal("abc"u8.ToArray(), _nbd.Disk.Peek(0, 3));
    }

    [Theory]
    [InlineData(NbdOption.ListMetaContext, new string[0], true)]
    [InlineData(NbdOption.ListMetaContext, new[] { "base:" }, true)]
    [InlineData(NbdOption.ListMetaContext, new[] { "base:allocation" }, true)]
    [InlineData(NbdOption.ListMetaContext, new[] { "qemu:" }, false)]
    [InlineData(NbdOption.SetMetaContext, new string[0], false)]
    [InlineData(NbdOption.SetMetaContext, new[] { "base:" }, false)]
    [InlineData(NbdOption.SetMetaContext, new[] { "qemu:dirty-bitmap:x", "base:allocation", "base:allocation" }, true)]
    [InlineData(NbdOption.SetMetaContext, new[] { "base:allocations", "no namespace" }, false)]
    public void Meta_context_queries_find_what_they_should(object option, string[] queries, bool finds)
    {
        using var client = _nbd.Connect();
        client.Greet();
        client.Haggle(NbdOption.StructuredReply, []);
        var replies = client.Haggle((NbdOption)option, RawNbdClient.MetaData("disk", queries));
        Assert.Equal((uint)NbdOptionReply.Ack, replies[^1].Type);
        Assert.Equal(finds ? ["base:allocation"] : [], replies.SkipLast(1).Select(r => Encoding.UTF8.GetString(r.Data.AsSpan(4))));
    }

    [Fact]
    public void Meta_contexts_need_structured_replies_and_an_export()
    {
        using var client = _nbd.Connect();
        client.Greet();
        var early = client.Haggle(NbdOption.SetMetaContext, RawNbdClient.MetaData("disk", "base:allocation"));
        Assert.Equal((uint)NbdOptionReply.ErrorInvalid, Assert.Single(early).Type);
        client.Haggle(NbdOption.StructuredReply, []);
        var unknown = client.Haggle(NbdOption.SetMetaContext, RawNbdClient.MetaData("none", "base:allocation"));
        Assert.Equal((uint)NbdOptionReply.ErrorUnknown, Assert.Single(unknown).Type);
    }

    [Fact]
    public void A_context_selected_for_one_export_is_not_selected_for_another()
    {
        using var client = _nbd.Connect();
        client.Greet();
        client.Haggle(NbdOption.StructuredReply, []);
        client.Haggle(NbdOption.SetMetaContext, RawNbdClient.MetaData("disk", "base:allocation"));
        client.Haggle(NbdOption.Go, RawNbdClient.InfoData("snapshot"));
        Assert.Equal((uint)NbdErrno.Invalid, client.Ask(NbdCommand.BlockStatus, 0, 4096).Error);
    }

    [Fact]
    public void A_refused_export_is_told_why()
    {
        _nbd.Exports.With("busy", 4096, () => throw new NbdRefusedException("the volume is being restored"));
        using var client = _nbd.Connect();
        client.Greet();
        var refusal = Assert.Single(client.Haggle(NbdOption.Go, RawNbdClient.InfoData("busy")));
        Assert.Equal(((uint)NbdOptionReply.ErrorPolicy, "the volume is being restored"), (refusal.Type, refusal.Text));
    }
}
