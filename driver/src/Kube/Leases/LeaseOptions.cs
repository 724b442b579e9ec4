using CsiThin.Driver.Kube.Objects;

namespace CsiThin.Driver.Kube.Leases;

/// <summary>
/// Which lease, and who asks for it (<see cref="Identity"/>: the pod's name and something no other process has). The times are those of
/// client-go; a holder gives up (<see cref="RenewDeadline"/>) well before others may take over (<see cref="Duration"/>).
/// </summary>
internal sealed record LeaseOptions(ObjectName Name, string Identity)
{
    /// <summary>Others wait so long after the last renewal they saw.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The holder stops leading when it could not renew for so long.</summary>
    public TimeSpan RenewDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Between two tries, to get it or to renew it.</summary>
    public TimeSpan RetryPeriod { get; init; } = TimeSpan.FromSeconds(2);
}
