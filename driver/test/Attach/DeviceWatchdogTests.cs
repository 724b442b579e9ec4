using System.Collections.Concurrent;
using CsiThin.Core.Pool;
using CsiThin.Driver.Attach;
using CsiThin.Driver.Attach.Netlink;
using CsiThin.Driver.Tests.Kube;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace CsiThin.Driver.Tests.Attach;

/// <summary>Who is looked after, and when: never because time has passed, which the rounds here do not wait for.</summary>
public sealed class DeviceWatchdogTests
{
    private static readonly DeviceOptions Options = new() { WatchInterval = Timeout.InfiniteTimeSpan };

    private readonly DeviceTable _links = new();
    private readonly DeviceLink _hanging;
    private readonly DeviceLink _sound;
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentQueue<DeviceLink> _begun = [];

    public DeviceWatchdogTests() => (_hanging, _sound) = (Attached(1), Attached(2));

    [Fact]
    public async Task A_device_that_hangs_keeps_no_other_waiting_in_this_round_and_the_next()
    {
        await using var watchdog = Watchdog((_, _) => null);
        watchdog.Start();
        await Eventually.HoldsAsync(() => Begun(_hanging) == 1 && Begun(_sound) == 1, "care for both");
        for (var before = Begun(_sound); Begun(_sound) < before + 3; await Task.Yield())
            watchdog.Wake();
        Assert.Equal(1, Begun(_hanging)); // by one task at a time
        _released.SetResult();
    }

    [Fact]
    public async Task What_is_asked_for_during_the_care_for_a_device_is_done_after_it()
    {
        await using var watchdog = Watchdog((_, _) => null);
        watchdog.Start();
        await Eventually.HoldsAsync(() => Begun(_hanging) == 1 && Begun(_sound) == 1, "care for both");
        watchdog.Wake();
        await Eventually.HoldsAsync(() => Begun(_sound) > 1, "the round that was asked for");
        _released.SetResult();
        await Eventually.HoldsAsync(() => Begun(_hanging) == 2, "care that was asked for meanwhile");
    }

    [Fact]
    public async Task When_all_is_done_that_was_asked_for_it_rests()
    {
        var gates = new ConcurrentDictionary<DeviceLink, SemaphoreSlim>
        {
            [_hanging] = new(0),
            [_sound] = new(0),
        };
        int[] Counts() => [Begun(_hanging), Begun(_sound)];
        var watchdog = Watchdog((_, _) => null, link => gates[link].WaitAsync());
        watchdog.Start();
        await Eventually.HoldsAsync(() => Counts() is [1, 1], "care for both");
        watchdog.Wake();
        foreach (var link in new[] { _hanging, _sound, _hanging, _sound })
        {
            var before = Begun(link);
            gates[link].Release();
            await Eventually.HoldsAsync(() => before == 2 || Begun(link) == 2, "care that was asked for meanwhile");
        }

        watchdog.Wake();
        await Eventually.HoldsAsync(() => Counts() is [>= 3, >= 3], "another round");
        gates[_hanging].Release(1000);
        gates[_sound].Release(1000);
        await watchdog.DisposeAsync();
        Assert.Equal((3, 3), (Begun(_hanging), Begun(_sound)));
    }

    [Fact]
    public async Task Announcements_are_heard_from_when_there_is_a_kernel_that_makes_them_and_again_when_they_have_ended()
    {
        _released.SetResult();
        using var first = new AnnouncingChannel();
        using var second = new AnnouncingChannel();
        var channels = new ConcurrentQueue<AnnouncingChannel>([first, second]);
        var looks = 0;
        await using var watchdog = Watchdog((current, wake) => ++looks == 1 ? null
            : current is { HasEnded: false } ? current
            : new DeadLinkListener(channels.TryDequeue(out var next) ? next : throw new InvalidOperationException(), 29, 17, wake));
        watchdog.Start();
        await Eventually.HoldsAsync(() => Volatile.Read(ref looks) == 1, "a first look, in vain");
        await AssertHeardAsync(first);
        first.Break();
        await AssertHeardAsync(second);

        async Task AssertHeardAsync(AnnouncingChannel channel)
        {
            bool IsTaken()
            {
                watchdog.Wake();
                return !channels.Contains(channel);
            }

            await Eventually.HoldsAsync(IsTaken, "somebody who listens");
            var before = Begun(_sound);
            channel.Announce();
            await Eventually.HoldsAsync(() => channel.IsDrained && Begun(_sound) > before, "care because of an announcement");
        }
    }

    private int Begun(DeviceLink link) => _begun.Count(one => one == link);

    private DeviceLink Attached(uint index)
    {
        var link = new DeviceLink(new Attachment(new VolumeId(Guid.NewGuid(), index), ReadOnly: false, 512)) { Index = index };
        _links.Put(link);
        return link;
    }

    private DeviceWatchdog Watchdog(
        Func<DeadLinkListener?, Action, DeadLinkListener?> listen, Func<DeviceLink, Task>? mend = null) => new(
        _links,
        Options,
        link =>
        {
            _begun.Enqueue(link);
            return mend is not null ? mend(link) : link == _hanging ? _released.Task : Task.CompletedTask;
        },
        listen,
        new DeviceLog(NullLoggerFactory.Instance));

    /// <summary>A kernel's end that announces dead links when the test says so, or fails as one whose queue has overflown.</summary>
    private sealed class AnnouncingChannel : INetlinkChannel
    {
        private readonly BlockingCollection<byte[]> _waiting = [];

        public bool IsDrained => _waiting.Count == 0;

        public void Announce() => _waiting.Add(KernelMessage.Reply(0, NbdNetlinkProtocol.CommandLinkDead));

        public void Break() => _waiting.Add([]);

        public void Send(ReadOnlySpan<byte> datagram) => throw new NotSupportedException("a listener asks for nothing");

        public int Receive(Span<byte> buffer, TimeSpan limit)
        {
            if (!_waiting.TryTake(out var datagram, TimeSpan.FromMilliseconds(5)))
                return 0;
            if (datagram.Length == 0)
                throw new Core.Device.DiskException("the queue has overflown", 105);
            datagram.CopyTo(buffer);
            return datagram.Length;
        }

        public void Dispose() => _waiting.Dispose();
    }
}
