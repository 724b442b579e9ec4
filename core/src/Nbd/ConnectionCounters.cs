namespace CsiThin.Core.Nbd;

/// <summary>
/// What one connection has done, by command. Counting is an addition to a field, so that metrics cost nothing per request.
/// <para>Concurrency: written by the connection's thread alone, read by any.</para>
/// </summary>
internal sealed class ConnectionCounters
{
    /// <summary>Every known command, and one place for all others: the bound of the metrics' tags.</summary>
    public const int Kinds = (int)NbdCommand.BlockStatus + 2;

    private readonly long[] _requests = new long[Kinds];
    private readonly long[] _bytes = new long[Kinds];
    private readonly long[] _errors = new long[Kinds];

    /// <summary>Counts an answered request.</summary>
    public void Count(NbdRequest request)
    {
        var kind = Math.Min((int)request.Command, Kinds - 1);
        Add(ref _requests[kind], 1);
        if (request.Errno == NbdErrno.None)
            Add(ref _bytes[kind], request.LengthBytes);
        else
            Add(ref _errors[kind], 1);
    }

    /// <summary>Adds what was counted so far to the three sums.</summary>
    public void AddTo(Span<long> requests, Span<long> bytes, Span<long> errors)
    {
        for (var kind = 0; kind < Kinds; kind++)
        {
            requests[kind] += Volatile.Read(ref _requests[kind]);
            bytes[kind] += Volatile.Read(ref _bytes[kind]);
            errors[kind] += Volatile.Read(ref _errors[kind]);
        }
    }

    private static void Add(ref long counter, long amount) => Volatile.Write(ref counter, counter + amount);
}
