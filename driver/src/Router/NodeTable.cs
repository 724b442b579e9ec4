using System.Collections.Concurrent;
using CsiThin.Driver.Volumes;
using Grpc.Core;

namespace CsiThin.Driver.Router;

/// <summary>
/// The nodes of the directory, each with its channel, and which of them has which pool. It holds nothing that could not be asked for again:
/// two replicas of a router need not know of each other.
/// <para>
/// Concurrency: any thread. <c>_nodes</c> and <c>_listed</c> are replaced whole by <see cref="Follow"/>, one at a time under <c>_gate</c>;
/// a node keeps its own state. <c>_refresh</c> lets one look at all nodes serve everybody who waits for one.
/// </para>
/// </summary>
internal sealed class NodeTable(INodeDirectory directory, Func<NodeAddress, ChannelBase> connect, TimeProvider time) : IDisposable
{
    /// <summary>Nodes asked at once when all are asked.</summary>
    private const int AskedAtOnce = 64;

    /// <summary>An answer about all nodes is good for so long when a pool is looked for in vain.</summary>
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private volatile IReadOnlyDictionary<string, RoutedNode> _nodes = new Dictionary<string, RoutedNode>();
    private IReadOnlyCollection<NodeAddress>? _listed;
    private Task _refresh = Task.CompletedTask;
    private long _refreshedAt;

    /// <summary>All nodes, those that cannot be reached too, by name.</summary>
    public IReadOnlyCollection<RoutedNode> All
    {
        get
        {
            Follow();
            return (IReadOnlyCollection<RoutedNode>)_nodes.Values;
        }
    }

    /// <summary>The node of that name, null where there is none.</summary>
    public RoutedNode? Find(string name)
    {
        Follow();
        return _nodes.GetValueOrDefault(name);
    }

    /// <summary>
    /// The node that has the pool. <see cref="VolumeError.Unavailable"/> when no node says so: it may only be away, so nobody may conclude
    /// that its volumes are gone.
    /// </summary>
    public async Task<RoutedNode> OwnerAsync(string what, Guid pool, CancellationToken cancellation)
    {
        if (Owner(pool) is { } known)
            return known;
        await RefreshAsync(LookAgainAfter, cancellation).ConfigureAwait(false);
        return Owner(pool) ?? throw new VolumeException(
            VolumeError.Unavailable, $"{what}: no node says that it has pool {pool:N}{LostOnes()}");
    }

    /// <summary>
    /// Asks every node for its pools unless that was done within <paramref name="ageMax"/>. A node that does not answer keeps those it had.
    /// </summary>
    public Task RefreshAsync(TimeSpan ageMax, CancellationToken cancellation)
    {
        lock (_gate)
        {
            var isFresh = _refreshedAt != 0 && time.GetElapsedTime(_refreshedAt) < ageMax;
            if (!isFresh && _refresh.IsCompleted)
                _refresh = RefreshAllAsync();
            return _refresh.WaitAsync(cancellation);
        }
    }

    /// <summary>
    /// Asks nodes at once, <see cref="AskedAtOnce"/> of them at a time; the answers of those that gave one. A node that cannot be reached
    /// or refuses is passed over.
    /// </summary>
    public static async Task<IReadOnlyCollection<(RoutedNode Node, T Answer)>> AskAsync<T>(
        IEnumerable<RoutedNode> nodes, Func<RoutedNode, Task<T>> ask, CancellationToken cancellation)
    {
        var answers = new ConcurrentBag<(RoutedNode, T)>();
        var options = new ParallelOptions { MaxDegreeOfParallelism = AskedAtOnce, CancellationToken = cancellation };
        await Parallel.ForEachAsync(nodes, options, async (node, _) =>
        {
            try
            {
                answers.Add((node, await ask(node).ConfigureAwait(false)));
            }
            catch (Exception e) when (e is VolumeException or RpcException && !cancellation.IsCancellationRequested)
            {
                // It costs its own answer only.
            }
        }).ConfigureAwait(false);
        return answers;
    }

    /// <summary>A clause that names a few nodes that cannot be reached; empty when there is none.</summary>
    public string LostOnes()
    {
        var lost = All.Where(node => node.IsLost).Select(node => NameRules.Quote(node.Name)).Order(StringComparer.Ordinal).ToList();
        return lost.Count switch
        {
            0 => "",
            <= 4 => $"; {string.Join(", ", lost)} cannot be reached",
            _ => $"; {string.Join(", ", lost.Take(4))} and {lost.Count - 4} more nodes cannot be reached",
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var node in _nodes.Values)
            node.Dispose();
    }

    // A disk that moved is for a moment named by its old node as well: the one that can be reached has it.
    private RoutedNode? Owner(Guid pool) => All.Where(node => node.Pools.Any(known => known.Uuid == pool)).MinBy(node => node.IsLost);

    private async Task RefreshAllAsync()
    {
        await Task.Yield(); // the caller holds the gate
        _ = await AskAsync(All, async node =>
        {
            await node.RefreshAsync(CancellationToken.None).ConfigureAwait(false);
            return true;
        }, CancellationToken.None).ConfigureAwait(false);
        lock (_gate)
            _refreshedAt = time.GetTimestamp();
    }

    /// <summary>
    /// Takes in what the directory says now: new nodes get a channel, those that moved a new one, those that are gone lose it.
    /// </summary>
    private void Follow()
    {
        lock (_gate)
        {
            var listed = directory.List();
            if (ReferenceEquals(listed, _listed))
                return;
            _listed = listed;
            if (listed.Count == _nodes.Count && listed.All(one => _nodes.TryGetValue(one.Name, out var known) && known.Address == one))
                return;
            var next = new Dictionary<string, RoutedNode>(StringComparer.Ordinal);
            foreach (var address in listed)
                next[address.Name] = _nodes.TryGetValue(address.Name, out var known) && known.Address == address
                    ? known
                    : new RoutedNode(address, connect(address), time);
            foreach (var gone in _nodes.Values.Where(node => !ReferenceEquals(next.GetValueOrDefault(node.Name), node)))
                gone.Dispose();
            _nodes = next;
            _refreshedAt = 0;
        }
    }
}
