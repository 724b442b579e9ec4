using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Objects;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Kube.Leases;

/// <summary>
/// One leader among several processes, by a Lease object. No two clocks are ever compared:
/// <list type="bullet">
/// <item>whoever waits counts by its own clock from the moment it <em>saw</em> the lease change, and takes it only when it has not changed
/// for the time the holder promised;</item>
/// <item>the leader counts from before the request that renewed it, and stops leading when that is <see cref="LeaseOptions.RenewDeadline"/>
/// ago, whether or not anybody answers;</item>
/// <item>each change is made on the version that was read, so that of two who try at one moment one gets a conflict.</item>
/// </list>
/// <para>Concurrency: one <see cref="RunAsync"/> at a time; it alone touches the fields.</para>
/// </summary>
internal sealed partial class LeaderElection(IKubeClient client, LeaseOptions options, ILogger log, TimeProvider? timeProvider = null)
{
    private readonly TimeProvider _time = timeProvider ?? TimeProvider.System;
    private readonly FailureLog _failures = new(log, $"Lease {options.Name}", timeProvider ?? TimeProvider.System);
    private readonly Backoff _jitter = new(options.RetryPeriod, options.RetryPeriod);
    private KubeLease? _seen;
    private long _seenAt;

    /// <summary>This process leads at this moment.</summary>
    public bool IsLeader { get; private set; }

    /// <summary>
    /// Runs <paramref name="lead"/> whenever this process is the leader; its token is cancelled when it is not any more, and nobody leads
    /// before it has ended here. Goes on until cancelled, and gives the lease back then.
    /// </summary>
    public async Task RunAsync(Func<CancellationToken, Task> lead, CancellationToken cancellation)
    {
        while (true)
        {
            var asked = _time.GetTimestamp();
            if (await TryTakeAsync(cancellation).ConfigureAwait(false))
                await LeadAsync(lead, asked, cancellation).ConfigureAwait(false);
            await Task.Delay(_jitter.Next(), _time, cancellation).ConfigureAwait(false);
        }
    }

    private async Task LeadAsync(Func<CancellationToken, Task> lead, long renewedAt, CancellationToken cancellation)
    {
        LogLeading(log, options.Name);
        IsLeader = true;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var work = lead(stop.Token);
        try
        {
            await KeepAsync(work, renewedAt, cancellation).ConfigureAwait(false);
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            IsLeader = false;
            LogFollowing(log, options.Name);
            await GiveBackAsync().ConfigureAwait(false);
        }

        if (work.IsFaulted)
            await work.ConfigureAwait(false);
    }

    // Ends when the work has ended or the lease is lost.
    private async Task KeepAsync(Task work, long renewedAt, CancellationToken cancellation)
    {
        while (!work.IsCompleted)
        {
            await Task.WhenAny(work, Task.Delay(options.RetryPeriod, _time, cancellation)).ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
            var left = options.RenewDeadline - _time.GetElapsedTime(renewedAt);
            if (work.IsCompleted || left <= TimeSpan.Zero)
                return;
            var asked = _time.GetTimestamp();
            using var limit = new CancellationTokenSource(left, _time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
            if (await TryRenewAsync(both.Token, cancellation).ConfigureAwait(false) is not { } renewed)
                continue;
            if (!renewed)
                return;
            renewedAt = asked;
        }
    }

    /// <summary>True: renewed. False: somebody else has it. Null: nobody knows, try again until the deadline.</summary>
    private async Task<bool?> TryRenewAsync(CancellationToken limit, CancellationToken cancellation)
    {
        try
        {
            var isTaken = await TakeAsync(limit).ConfigureAwait(false);
            _failures.Worked();
            return isTaken;
        }
        catch (KubeException failure)
        {
            _failures.Failed(failure);
            return null;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    private async Task<bool> TryTakeAsync(CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(options.RenewDeadline, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        return await TryRenewAsync(both.Token, cancellation).ConfigureAwait(false) ?? false;
    }

    private async Task<bool> TakeAsync(CancellationToken cancellation)
    {
        var lease = await client.FindAsync<KubeLease>(options.Name, cancellation).ConfigureAwait(false);
        if (lease?.Metadata.ResourceVersion != _seen?.Metadata.ResourceVersion || _seen is null)
            (_seen, _seenAt) = (lease, _time.GetTimestamp());
        var isOurs = lease?.Spec.HolderIdentity == options.Identity;
        if (lease is not null && !isOurs && !IsFree(lease.Spec))
            return false;
        try
        {
            var taken = Taken(lease, isOurs);
            _seen = lease is null
                ? await client.CreateAsync(taken, cancellation).ConfigureAwait(false)
                : await client.ReplaceAsync(taken, cancellation).ConfigureAwait(false);
            _seenAt = _time.GetTimestamp();
            return true;
        }
        catch (KubeException failure) when (failure.Error is KubeError.Conflict or KubeError.AlreadyExists && !isOurs)
        {
            return false;
        }
    }

    private bool IsFree(KubeLeaseSpec spec)
    {
        var promised = TimeSpan.FromSeconds(spec.LeaseDurationSeconds ?? options.Duration.TotalSeconds);
        return string.IsNullOrEmpty(spec.HolderIdentity) || _time.GetElapsedTime(_seenAt) > promised;
    }

    private KubeLease Taken(KubeLease? lease, bool isOurs)
    {
        var now = _time.GetUtcNow();
        return new KubeLease
        {
            Metadata = lease?.Metadata ?? new ObjectMeta { Name = options.Name.Name, Namespace = options.Name.Namespace },
            Spec = new KubeLeaseSpec
            {
                HolderIdentity = options.Identity,
                LeaseDurationSeconds = (int)options.Duration.TotalSeconds,
                AcquireTime = isOurs ? lease!.Spec.AcquireTime : now,
                RenewTime = now,
                LeaseTransitions = (lease?.Spec.LeaseTransitions ?? 0) + (isOurs || lease is null ? 0 : 1),
            },
        };
    }

    // Spares the others the wait. Not needed for anything: where it fails, the lease runs out by itself.
    private async Task GiveBackAsync()
    {
        if (_seen is not { } lease || lease.Spec.HolderIdentity != options.Identity)
            return;
        try
        {
            using var limit = new CancellationTokenSource(options.RetryPeriod, _time);
            var free = lease with { Spec = lease.Spec with { HolderIdentity = "", LeaseDurationSeconds = 1 } };
            _seen = await client.ReplaceAsync(free, limit.Token).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is KubeException or OperationCanceledException)
        {
            LogFailed(log, options.Name, failure.Message);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Leading: holds lease {Lease}")]
    private static partial void LogLeading(ILogger logger, ObjectName lease);

    [LoggerMessage(2, LogLevel.Information, "Leading no more: let go of lease {Lease}")]
    private static partial void LogFollowing(ILogger logger, ObjectName lease);

    [LoggerMessage(3, LogLevel.Warning, "Lease {Lease}: {Failure}")]
    private static partial void LogFailed(ILogger logger, ObjectName lease, string failure);
}
