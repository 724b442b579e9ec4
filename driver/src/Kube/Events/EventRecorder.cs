using System.Threading.Channels;
using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Objects;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Kube.Events;

/// <summary>
/// Tells events and never a storm of them. What is alike (object, reason, type) within an hour is one event whose count grows; each object
/// has an allowance (<see cref="EventAllowance"/>), and so has the process. While the server cannot be reached events wait, alike ones
/// together, the oldest giving way when there are too many: an event is a hint, the state is in the object.
/// <para>Concurrency: <see cref="Record"/> may be called from any thread and never waits; <c>_waiting</c> and <c>_allowances</c> are
/// guarded by <c>_gate</c>; the rest belongs to the one <see cref="RunAsync"/>.</para>
/// </summary>
internal sealed partial class EventRecorder(IKubeClient client, EventSource source, ILogger log, TimeProvider? timeProvider = null)
{
    private const int WaitingMax = 256;
    private const int ToldMax = 1024;
    private const int MessageLengthMax = 1000; // the server takes 1024
    private static readonly TimeSpan AlikeWithin = TimeSpan.FromHours(1);
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100);

    private readonly TimeProvider _time = timeProvider ?? TimeProvider.System;
    private readonly Lock _gate = new();
    private readonly OrderedDictionary<EventKey, KubeEvent> _waiting = [];
    private readonly Dictionary<EventKey, EventAllowance> _allowances = [];
    private readonly OrderedDictionary<EventKey, KubeEvent> _told = [];
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly Backoff _backoff = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
    private long _made;

    /// <summary>Events that were not told because there were too many of them.</summary>
    public long Dropped { get; private set; }

    /// <summary>Takes an event to be told; never throws and never waits.</summary>
    public void Record(ObjectReference about, bool isWarning, string reason, string message)
    {
        var now = _time.GetUtcNow();
        var told = new KubeEvent
        {
            InvolvedObject = about,
            Type = isWarning ? "Warning" : "Normal",
            Reason = reason,
            Message = message.Length <= MessageLengthMax ? message : message[..MessageLengthMax] + "...",
            Source = source,
            FirstTimestamp = now,
            LastTimestamp = now,
            Count = 1,
        };
        lock (_gate)
            Enqueue(EventKey.Of(told), told);
        _signal.Writer.TryWrite(true);
    }

    /// <summary>Tells what is recorded until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await _signal.Reader.ReadAsync(cancellation).ConfigureAwait(false);
            while (TakeFirst() is var (key, next))
                await TellAsync(key, next, cancellation).ConfigureAwait(false);
        }
    }

    private void Enqueue(EventKey key, KubeEvent next)
    {
        if (_waiting.TryGetValue(key, out var alike))
        {
            _waiting[key] = Joined(alike, next);
            return;
        }

        var about = key with { Reason = "", Type = "" };
        if (!_allowances.TryGetValue(about, out var allowance))
        {
            if (_allowances.Count >= ToldMax)
                _allowances.Clear(); // forgives, rather than grow with every object ever seen
            _allowances[about] = allowance = new EventAllowance(_time);
        }

        if (!allowance.TryTake())
        {
            Dropped++;
            return;
        }

        if (_waiting.Count >= WaitingMax)
        {
            _waiting.RemoveAt(0);
            Dropped++;
        }

        _waiting.Add(key, next);
    }

    private (EventKey Key, KubeEvent Event)? TakeFirst()
    {
        lock (_gate)
        {
            if (_waiting.Count == 0)
                return null;
            var (key, first) = _waiting.GetAt(0);
            _waiting.RemoveAt(0);
            return (key, first);
        }
    }

    private async Task TellAsync(EventKey key, KubeEvent next, CancellationToken cancellation)
    {
        try
        {
            Remember(key, await SendAsync(key, next, cancellation).ConfigureAwait(false));
            _backoff.Reset();
            await Task.Delay(Pace, _time, cancellation).ConfigureAwait(false);
        }
        catch (KubeException failure) when (failure.IsPassing || failure.Error is KubeError.Unauthorized or KubeError.Untrusted)
        {
            PutBack(key, next);
            await Task.Delay(_backoff.Next(failure.RetryAfter), _time, cancellation).ConfigureAwait(false);
        }
        catch (KubeException failure)
        {
            LogRefused(log, next.Reason, failure.Message);
        }
    }

    private async Task<KubeEvent> SendAsync(EventKey key, KubeEvent next, CancellationToken cancellation)
    {
        if (_told.TryGetValue(key, out var told) && next.LastTimestamp - told.LastTimestamp < AlikeWithin)
        {
            var joined = Joined(told, next);
            var change = new { joined.Count, joined.LastTimestamp, joined.Message };
            try
            {
                var patch = KubePatch.Merge(change);
                return await client.PatchAsync<KubeEvent>(told.Metadata.Address, patch, cancellation).ConfigureAwait(false);
            }
            catch (KubeException failure) when (failure.Error == KubeError.NotFound)
            {
                // The server forgets events after an hour by itself; this one begins anew.
            }
        }

        var about = next.InvolvedObject;
        var stem = about.Name ?? "";
        var name = $"{stem[..Math.Min(stem.Length, 200)]}.{_time.GetUtcNow().Ticks:x}{Interlocked.Increment(ref _made) & 0xFF:x2}";
        // What belongs to the cluster has its events in the namespace "default"; the server insists.
        var meta = new ObjectMeta { Name = name, Namespace = about.Namespace ?? "default" };
        return await client.CreateAsync(next with { Metadata = meta }, cancellation).ConfigureAwait(false);
    }

    private void Remember(EventKey key, KubeEvent told)
    {
        _told.Remove(key);
        if (_told.Count >= ToldMax)
            _told.RemoveAt(0);
        _told.Add(key, told);
    }

    private void PutBack(EventKey key, KubeEvent next)
    {
        lock (_gate)
        {
            if (_waiting.Remove(key, out var newer))
                next = Joined(next, newer);
            if (_waiting.Count < WaitingMax)
                _waiting.Insert(0, key, next);
            else
                Dropped++;
        }

        _signal.Writer.TryWrite(true);
    }

    private static KubeEvent Joined(KubeEvent earlier, KubeEvent later) => earlier with
    {
        Count = (earlier.Count ?? 1) + (later.Count ?? 1),
        LastTimestamp = later.LastTimestamp,
        Message = later.Message,
    };

    [LoggerMessage(1, LogLevel.Warning, "Event {Reason} was not told: {Failure}")]
    private static partial void LogRefused(ILogger logger, string reason, string failure);
}
