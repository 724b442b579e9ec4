using System.Collections.Immutable;
using CsiThin.Driver.Kube.Objects;

namespace CsiThin.Driver.Kube.Client;

/// <summary>What a <see cref="Watcher{T}"/> knows at one moment. <see cref="Number"/> grows with every change.</summary>
internal sealed record WatcherState<T>(long Number, bool IsSynced, ImmutableDictionary<ObjectName, T> Objects)
{
    /// <summary>Nothing is known yet.</summary>
    public static readonly WatcherState<T> Nothing = new(0, false, ImmutableDictionary<ObjectName, T>.Empty);
}
