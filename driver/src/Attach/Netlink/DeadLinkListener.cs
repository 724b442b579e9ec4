using CsiThin.Core.Device;

namespace CsiThin.Driver.Attach.Netlink;

/// <summary>
/// Hears that a device has lost its socket, as the kernel announces it in the host's network namespace. A hint only: it may be late,
/// doubled, or never come.
/// <para>Concurrency: a thread of its own, which ends within a poll's time after disposal; the callback runs on it.</para>
/// </summary>
internal sealed class DeadLinkListener : IDisposable
{
    private static readonly TimeSpan PollTime = TimeSpan.FromMilliseconds(500);

    private readonly INetlinkChannel _channel;
    private readonly ushort _family;
    private readonly uint _group;
    private readonly Action _onDead;
    private readonly Thread _thread;
    private volatile bool _isStopping;

    /// <summary>Listens on a channel that has joined the group of a family.</summary>
    public DeadLinkListener(INetlinkChannel channel, ushort family, uint group, Action onDead)
    {
        (_channel, _family, _group, _onDead) = (channel, family, group, onDead);
        _thread = new Thread(Listen) { IsBackground = true, Name = "nbd links" };
        _thread.Start();
    }

    /// <summary>It hears nothing any more.</summary>
    public bool HasEnded => _isStopping;

    /// <summary>
    /// One that listens to the kernel: <paramref name="current"/> while it still hears, else a new one, and null where that is not to be
    /// had (no module loaded, another network namespace). The numbers it listens for change when the module is loaded again. It may wait
    /// in the kernel.
    /// </summary>
    public static DeadLinkListener? Renew(DeadLinkListener? current, Action onDead, TimeProvider time)
    {
        NetlinkChannel? channel = null;
        try
        {
            using var nbd = NbdNetlink.Open(time);
            var family = nbd.Family;
            if (!family.Groups.TryGetValue(NbdNetlinkProtocol.Group, out var group))
                return null;
            if (current is { HasEnded: false } && (current._family, current._group) == (family.Id, group))
                return current;
            channel = new NetlinkChannel();
            channel.Join(group);
            return new DeadLinkListener(channel, family.Id, group, onDead);
        }
        catch (Exception failure) when (failure is DiskException or NetlinkException)
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
                if (messages.Type == _family && messages.Command == NbdNetlinkProtocol.CommandLinkDead)
                    _onDead();
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
            _isStopping = true; // the next round finds it, and what was not heard
            return 0;
        }
    }
}
