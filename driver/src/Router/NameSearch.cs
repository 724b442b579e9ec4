using CsiThin.V1.Node;

namespace CsiThin.Driver.Router;

/// <summary>
/// Finds out on which node a volume of some name is, by asking every node that can be reached.
/// <para>
/// Why every node, and each time: a volume of the name may have been made by an earlier attempt that ended without an answer, through
/// another replica, in another life of this one or with another topology, and nobody but the node it was made on knows. A cache or a
/// digest of names could be older than that volume, and a second one would be made. So nothing is remembered. What makes it cheap is that
/// names are asked for together: those that come while the nodes are being asked go in one question when they are asked next, as
/// commits do that wait for the disk. A question that was on its way already when a name came is no answer for it.
/// </para>
/// <para>
/// A node that gives no answer within <see cref="AnswerLimit"/> counts as one that cannot be reached, so that it holds up one question of
/// all callers and not each.
/// </para>
/// <para>Concurrency: any thread; <c>_gate</c> guards <c>_next</c> and <c>_isAsking</c>; one sweep at a time asks.</para>
/// </summary>
internal sealed class NameSearch(NodeTable nodes)
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(15);

    private readonly Lock _gate = new();
    private Sweep? _next;
    private bool _isAsking;

    /// <summary>The node that has a volume of that name, null when none that answers does.</summary>
    public async Task<RoutedNode?> FindAsync(string name, CancellationToken cancellation)
    {
        Sweep sweep;
        lock (_gate)
        {
            sweep = _next ??= new Sweep();
            sweep.Names.Add(name);
            if (!_isAsking)
            {
                _isAsking = true;
                _ = Task.Run(AskOnAsync, CancellationToken.None); // ends by itself; what fails is told to those who wait
            }
        }

        var found = await sweep.Found.Task.WaitAsync(cancellation).ConfigureAwait(false);
        return found.GetValueOrDefault(name);
    }

    private async Task AskOnAsync()
    {
        while (true)
        {
            Sweep sweep;
            lock (_gate)
            {
                if (_next is null)
                {
                    _isAsking = false;
                    return;
                }

                (sweep, _next) = (_next, null);
            }

            try
            {
                sweep.Found.SetResult(await AskAsync(sweep.Names).ConfigureAwait(false));
            }
            catch (Exception failure)
            {
                sweep.Found.SetException(failure);
            }
        }
    }

    private async Task<Dictionary<string, RoutedNode>> AskAsync(HashSet<string> names)
    {
        var question = new FindVolumesRequest { Names = { names } };
        var answers = await NodeTable.AskAsync(
            nodes.All.Where(node => !node.IsRefusing),
            node => node.CallWithinAsync(AnswerLimit, (n, options) => n.PoolsOf.FindVolumesAsync(question, options)),
            CancellationToken.None).ConfigureAwait(false);
        var found = new Dictionary<string, RoutedNode>(StringComparer.Ordinal);
        foreach (var (node, answer) in answers.OrderBy(one => one.Node.Name, StringComparer.Ordinal))
        {
            foreach (var name in answer.Names)
                found.TryAdd(name, node);
        }

        return found;
    }

    /// <summary>Names that are asked for together, and what came of it.</summary>
    private sealed class Sweep
    {
        public HashSet<string> Names { get; } = new(StringComparer.Ordinal);

        public TaskCompletionSource<Dictionary<string, RoutedNode>> Found { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
