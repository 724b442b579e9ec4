using CsiThin.Core.Device;

namespace CsiThin.Driver.Attach.Netlink;

/// <summary>A family as the kernel has it at this moment: numbers change when a module is loaded again.</summary>
internal sealed record NetlinkFamily(ushort Id, IReadOnlyDictionary<string, uint> Groups);

/// <summary>A reply of the kernel to a request.</summary>
internal sealed record NetlinkReply(byte Command, byte[] Attributes);

/// <summary>
/// Requests to the kernel and their replies.
/// <list type="number">
/// <item>A reply belongs to the request whose sequence number it carries; whatever carries another one (late, doubled, of a multicast
/// group) is passed over.</item>
/// <item>A request is done when it is acknowledged and the reply it is to have is there, in either order.</item>
/// <item>Nothing waits longer than the limit for a message. (The kernel works within <see cref="INetlinkChannel.Send"/>, which nothing can
/// end.)</item>
/// </list>
/// <para>Concurrency: one request at a time; <c>_gate</c> is held for its whole length.</para>
/// </summary>
internal sealed class GenericNetlink(INetlinkChannel channel, TimeProvider time, TimeSpan limit) : IDisposable
{
    /// <summary>How long an answer may take: the kernel answers before the request's own system call has returned.</summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(10);

    private const int BufferBytes = 64 << 10;

    private readonly Lock _gate = new();
    private readonly byte[] _buffer = new byte[BufferBytes];
    private uint _sequence = 1;

    /// <summary>
    /// The family of that name, null when the kernel has none that is to be seen from here. Throws <see cref="NetlinkException"/> for any
    /// other refusal.
    /// </summary>
    public NetlinkFamily? FindFamily(string name)
    {
        try
        {
            var request = new NetlinkRequest(NetlinkProtocol.TypeControl, NetlinkProtocol.CommandGetFamily, version: 1);
            return ReadFamily(Call(request.Add(NetlinkProtocol.ControlFamilyName, name), wantsReply: true)[0].Attributes);
        }
        catch (NetlinkException refusal) when (refusal.Errno == Errno.NoSuchFile)
        {
            return null;
        }
    }

    /// <summary>
    /// Sends a request and returns its replies, one at least where <paramref name="wantsReply"/>. Throws <see cref="NetlinkException"/>
    /// when the kernel refuses or does not answer.
    /// </summary>
    public IReadOnlyList<NetlinkReply> Call(NetlinkRequest request, bool wantsReply)
    {
        lock (_gate)
        {
            var sequence = ++_sequence;
            if (sequence == 0)
                sequence = _sequence = 1; // 0 is what nobody asked for
            channel.Send(request.Seal(sequence));
            return AwaitReplies(sequence, wantsReply);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => channel.Dispose();

    private List<NetlinkReply> AwaitReplies(uint sequence, bool wantsReply)
    {
        var replies = new List<NetlinkReply>();
        var isAcknowledged = false;
        var start = time.GetTimestamp();
        while (!isAcknowledged || wantsReply && replies.Count == 0)
        {
            var rest = limit - time.GetElapsedTime(start);
            if (rest <= TimeSpan.Zero)
                throw NetlinkException.TimedOut(limit);
            var messages = new NetlinkMessages(_buffer.AsSpan(0, channel.Receive(_buffer, rest)));
            while (messages.MoveNext())
            {
                if (messages.Sequence != sequence)
                    continue;
                if (messages.Type != NetlinkProtocol.TypeError)
                    replies.Add(new NetlinkReply(messages.Command, messages.Attributes.ToArray()));
                else if (messages.Errno != 0)
                    throw NetlinkException.Refused(messages.Errno, messages.ErrorMessage);
                else
                    isAcknowledged = true;
            }
        }

        return replies;
    }

    private static NetlinkFamily ReadFamily(byte[] bytes)
    {
        ushort id = 0;
        var groups = new Dictionary<string, uint>(StringComparer.Ordinal);
        var attributes = new NetlinkAttributes(bytes);
        while (attributes.MoveNext())
        {
            if (attributes.Type == NetlinkProtocol.ControlFamilyId)
                id = attributes.AsUInt16;
            if (attributes.Type == NetlinkProtocol.ControlGroups)
                ReadGroups(attributes.Nested, groups);
        }

        return id != 0 ? new NetlinkFamily(id, groups) : throw NetlinkException.Refused(Errno.NoSuchFile, "a family without a number");
    }

    private static void ReadGroups(NetlinkAttributes list, Dictionary<string, uint> groups)
    {
        while (list.MoveNext())
        {
            var group = list.Nested;
            var name = "";
            uint number = 0;
            while (group.MoveNext())
            {
                if (group.Type == NetlinkProtocol.ControlGroupName)
                    name = group.AsString;
                if (group.Type == NetlinkProtocol.ControlGroupId)
                    number = group.AsUInt32;
            }

            groups[name] = number;
        }
    }
}
