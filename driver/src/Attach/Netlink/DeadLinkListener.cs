using CsiThin.Core.Device;

namespace CsiThin.Driver.Attach.Netlink;

/// <summary>
/// Hears which devices have lost their socket, as the kernel announces it in the host's network namespace. A hint only: it may be late,
/// doubled, or never come.
/// <para>Concurrency: a thread of its own, which ends within a poll's time after disposal; the callback runs on it.</para>
/// </summary>
internal sealed class DeadLinkListener : IDisposable
{
    private static readonly TimeSpan PollTime = TimeSpan.FromMilliseconds(500);

    private readonly INetlinkChannel _channel;
    private readonly ushort _family;
    private readonly Action<uint> _onDead;
    private readonly Thread _thread;
    private volatile bool _isStopping;

    /// <summary>Listens on a channel that has joined the group.</summary>
    public DeadLinkListener(INetlinkChannel channel, ushort family, Action<uint> onDead)
    {
        (_channel, _family, _onDead) = (channel, family, onDead);
        _thread = new Thread(Listen) { IsBackground = true, Name = "nbd links" };
        _thread.Start();
    }

    /// <summary>Listens to the kernel; null where that is not to be had (another network namespace, an old module).</summary>
    public static DeadLinkListener? TryOpen(NetlinkFamily family, Action<uint> onDead)
    {
        if (!family.Groups.TryGetValue(NbdNetlinkProtocol.Group, out var group))
            return null;
        NetlinkChannel? channel = null;
        try
        {
            channel = new NetlinkChannel();
            channel.Join(group);
            return new DeadLinkListener(channel, family.Id, onDead);
        }
        catch (DiskException)
        {
            channel?.Dispose();
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _isStopping = true;
        _thread.Join();
        _channel.Dispose();
    }

    private void Listen()
    {
        var buffer = new byte[8 << 10];
        while (!_isStopping)
        {
            var messages = new NetlinkMessages(buffer.AsSpan(0, Receive(buffer)));
            while (messages.MoveNext())
            {
                if (messages.Type != _family || messages.Command != NbdNetlinkProtocol.CommandLinkDead)
                    continue;
                var attributes = new NetlinkAttributes(messages.Attributes);
                if (attributes.MoveTo(NbdNetlinkProtocol.Index))
                    _onDead(attributes.AsUInt32);
            }
        }
    }

    private int Receive(byte[] buffer)
    {
        try
        {
            return _channel.Receive(buffer, PollTime);
        }
        catch (DiskException)
        {
            _isStopping = true; // without hints the watchdog's round finds the same, later
            return 0;
        }
    }
}
