using CsiThin.Core.Device;
using CsiThin.Core.Device.Sockets;
using CsiThin.Driver.Attach.Netlink;
using Xunit;
using static CsiThin.Driver.Tests.Attach.KernelMessage;

namespace CsiThin.Driver.Tests.Attach;

/// <summary>Netlink against answers that no kernel gives on demand.</summary>
public sealed class NetlinkTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);
    private static readonly NbdDeviceSpec Spec = new(1 << 20, 512, 0x2d, "thin.csithin.io/x", TimeSpan.FromDays(1));
    private readonly PassingTime _time = new();

    private static byte[] Connected(uint sequence, int index) => Reply(sequence, 1, Attribute(1, Bytes(index)));

    [Fact]
    public void The_index_the_kernel_chose_comes_back_and_the_request_is_as_the_kernel_wants_it()
    {
        var channel = new ScriptedChannel(_time, Family, sequence => [Connected(sequence, 7), Acknowledge(sequence)]);
        using var nbd = Nbd(channel);
        var (near, far) = SocketPair.Create();
        using (near)
        using (far)
        {
            Assert.Equal(7u, nbd.Connect(Spec, far));
            byte[] socket = Attribute(7 | 0x8000, Attribute(1 | 0x8000, Attribute(1, Bytes((int)far.DangerousGetHandle()))));
            byte[] expected =
            [
                1, 1, 0, 0,
                .. Attribute(2, [.. Bytes(1 << 20), .. Bytes(0)]),
                .. Attribute(3, [.. Bytes(512), .. Bytes(0)]),
                .. Attribute(4, new byte[8]),
                .. Attribute(5, [.. Bytes(0x2d), .. Bytes(0)]),
                .. Attribute(6, [.. Bytes(1), .. Bytes(0)]),
                .. Attribute(8, [.. Bytes(86400), .. Bytes(0)]),
                .. Attribute(10, "thin.csithin.io/x\0"u8.ToArray()),
                .. socket,
            ];
            Assert.Equal(expected, channel.Sent[^1][16..]);
            Assert.Equal(channel.Sent[^1].Length, BitConverter.ToInt32(channel.Sent[^1]));
        }
    }

    [Fact]
    public void Late_doubled_and_unordered_answers_change_nothing()
    {
        var channel = new ScriptedChannel(
            _time,
            // The family's answer: twice, and behind the acknowledgement.
            sequence => [Acknowledge(sequence), FamilyReply(sequence), FamilyReply(sequence)],
            // What is left of the request before, an announcement, somebody else's refusal, then ours, twice.
            sequence =>
            [
                Acknowledge(sequence - 1), Connected(0, 99), Error(sequence + 5, Errno.Busy),
                [.. Connected(sequence, 3), .. Acknowledge(sequence)], Connected(sequence, 3), Acknowledge(sequence),
            ],
            Family,
            sequence => [Acknowledge(sequence), Connected(sequence, 4)]);
        using var nbd = Nbd(channel);
        var (near, far) = SocketPair.Create();
        using (near)
        using (far)
        {
            Assert.Equal(3u, nbd.Connect(Spec, far));
            Assert.Equal(4u, nbd.Connect(Spec, far));
        }
    }

    [Fact]
    public void A_refusal_carries_the_errno_and_the_kernels_sentence()
    {
        using var nbd = Nbd(new ScriptedChannel(_time, Family, sequence => [Error(sequence, Errno.Invalid, "not configured")]));
        var refusal = Assert.Throws<NetlinkException>(() => nbd.Disconnect(3));
        Assert.Equal(Errno.Invalid, refusal.Errno);
        Assert.Contains("not configured", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_answer_that_never_comes_is_waited_for_no_longer_than_the_limit()
    {
        using var nbd = Nbd(new ScriptedChannel(_time, Family, _ => []));
        var start = _time.GetTimestamp();
        Assert.True(Assert.Throws<NetlinkException>(() => nbd.Disconnect(3)).IsTimeout);
        Assert.Equal(Limit, _time.GetElapsedTime(start));
    }

    [Fact]
    public void A_kernel_without_the_family_is_recognized()
    {
        using var netlink = new GenericNetlink(new ScriptedChannel(_time, sequence => [Error(sequence, Errno.NoSuchFile)]), _time, Limit);
        Assert.Null(netlink.FindFamily("nbd"));
    }

    [Fact]
    public void The_family_is_found_with_its_group()
    {
        using var netlink = new GenericNetlink(new ScriptedChannel(_time, Family), _time, Limit);
        var family = netlink.FindFamily("nbd")!;
        Assert.Equal((KernelMessage.Family, 17u), (family.Id, family.Groups["nbd_mc_group"]));
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(0, false)]
    public void Status_tells_whether_a_device_is_connected(byte connected, bool expected)
    {
        static byte[] Item(int index, byte state) => Attribute(1 | 0x8000, [.. Attribute(1, Bytes(index)), .. Attribute(2, [state])]);
        using var nbd = Nbd(new ScriptedChannel(_time, Family, sequence =>
        [
            Reply(sequence, 5, Attribute(9 | 0x8000, [.. Item(4, 1), .. Item(5, connected)])), Acknowledge(sequence),
        ]));
        Assert.Equal(expected, nbd.IsConnected(5));
    }

    [Fact]
    public void Damaged_messages_are_passed_over_and_never_read_beyond_their_end()
    {
        var random = new Random(11);
        for (var i = 0; i < 5000; i++)
        {
            var good = FamilyReply(1);
            var bytes = good[..random.Next(good.Length + 1)];
            for (var change = random.Next(4); change > 0 && bytes.Length > 0; change--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            var messages = new NetlinkMessages(bytes);
            while (messages.MoveNext())
                Walk(new NetlinkAttributes(messages.Attributes), 0);
        }
    }

    private static void Walk(NetlinkAttributes attributes, int depth)
    {
        while (attributes.MoveNext())
        {
            _ = (attributes.AsString, attributes.AsUInt16, attributes.AsUInt32); // must not throw
            if (depth < 4)
                Walk(attributes.Nested, depth + 1);
        }
    }

    private static byte[][] Family(uint sequence) => [FamilyReply(sequence), Acknowledge(sequence)];

    private NbdNetlink Nbd(ScriptedChannel channel) => new(new GenericNetlink(channel, _time, Limit));
}
