using CsiThin.Driver.Kube.Objects;

namespace CsiThin.Driver.Kube.Pools;

/// <summary>
/// What was last published of one pool, and whether it is time to publish again. Used by the publisher's one loop.
/// </summary>
internal sealed class PublishedPool(PublisherOptions options, TimeProvider time)
{
    // How long the watch may lag behind our own write before what it shows is taken for somebody else's.
    private static readonly TimeSpan LagMax = TimeSpan.FromSeconds(10);

    private ThinPoolObject? _applied;
    private string? _appliedStatus;
    private long _appliedAt;
    private bool _isConfirmed;

    /// <summary>The status that holds: the one published last, or the one found on the first look.</summary>
    public ThinPoolStatus? Status { get; private set; }

    /// <summary>Nothing was published by this process yet: goes on from what is found.</summary>
    public void Adopt(ThinPoolObject? seen)
    {
        if (_applied is null)
            Status = seen?.Status;
    }

    /// <summary>Was published, and the server answered so.</summary>
    public void Applied(ThinPoolStatus status, ThinPoolObject answer)
    {
        (_applied, Status, _appliedStatus) = (answer, status, KubeJson.Text(status));
        (_appliedAt, _isConfirmed) = (time.GetTimestamp(), false);
    }

    /// <summary>
    /// Whether <paramref name="next"/> should be published now: when it says something new, when somebody else changed or deleted the
    /// object, and as a sign of life.
    /// </summary>
    public bool IsDue(ThinPoolStatus next, ThinPoolObject? seen)
    {
        if (_applied is null || Status is not { } last)
            return true;
        var age = time.GetElapsedTime(_appliedAt);
        return age >= options.HeartbeatPeriod
            || Essence(last) != Essence(next)
            || (age >= options.FigurePeriod && Figures(last) != Figures(next))
            || IsChangedByOthers(seen, age);
    }

    // What the watch shows is older than our write until it has shown that write: resource versions have no order, so this waits for it.
    private bool IsChangedByOthers(ThinPoolObject? seen, TimeSpan age)
    {
        _isConfirmed |= seen?.Metadata.ResourceVersion == _applied!.Metadata.ResourceVersion;
        return (_isConfirmed || age >= LagMax) && (seen is null || KubeJson.Text(seen.Status) != _appliedStatus);
    }

    private static string Essence(ThinPoolStatus status)
    {
        var conditions = status.Conditions?.Select(condition => $"{condition.Type}={condition.Status}/{condition.Reason}") ?? [];
        var counts = $"{status.SizeBytes} {status.Volumes} {status.Snapshots}";
        return string.Join('\n', [status.Mode, status.Address, status.Device, status.PoolUuid, counts, .. conditions]);
    }

    private static (int?, int?, long?) Figures(ThinPoolStatus status) =>
        (status.UsedPercent, status.MetadataUsedPercent, status.ProvisionedBytes);
}
