using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>
/// One life of a pool on a recording disk: clients, verbs and the pool's worker, all on this thread, interleaved by chance alone, so that
/// the same numbers make the same life to the byte. The worker gets a turn when chance says so, or somebody waits for it; clients submit,
/// kick and reap between turns and <em>while</em> the disk works for the worker, a verb or another client. So requests are in flight across
/// commits, snapshots and deletions as they are with threads.
/// </summary>
internal sealed class CutWorkload : IWorkerDriver, IDisposable
{
    private const int ClientsMax = 5;
    private readonly List<CutClient> _clients = [];
    private readonly RecordingDisk _disk;
    private readonly CutModel _model;
    private readonly FakeTimeProvider _time = new();
    private readonly PoolLayout _layout;
    private readonly CutReport _report;
    private readonly CutFault _fault;
    private readonly List<string> _wrong = [];
    private CutVerbs? _verbs; // null while the pool is being opened
    private Action? _turn;
    private int _depth;
    private int _number;
    private int _waits;
    private string? _said;

    /// <summary>A life on a disk that holds a pool; <paramref name="model"/> is what it holds, and becomes this life's own.</summary>
    public CutWorkload(MemoryDisk start, CutModel model, Random random, int firstNumber, CutFault fault, CutReport report)
    {
        Random = random;
        _report = report;
        _model = model;
        _number = firstNumber;
        _fault = fault;
        using (var parts = PoolDisk.Open(start))
            _layout = parts.Label.Layout;
        _disk = new RecordingDisk(start, Log, new DiskFault(Log, fault, _layout)) { Meanwhile = Meanwhile };
    }

    public DiskLog Log { get; } = new();

    public Random Random { get; }

    /// <summary>Numbers above those of every life before.</summary>
    public int LastNumber => _number;

    /// <summary>
    /// Lives it, recovery first. Returns what went wrong before any cut: a request or verb that failed, a read that showed something else.
    /// </summary>
    public IReadOnlyList<string> Run(int steps)
    {
        try
        {
            RunToEnd(steps);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The pool is left as it is: it might not close any more. It has no thread, and what memory it has goes with it.
            Complain(e.ToString());
        }
        Log.Close();
        return _wrong;
    }

    /// <summary>Tells the model, and the log.</summary>
    public void Note(Action<CutModel> happening)
    {
        happening(_model);
        Log.Add(new Happening(happening));
    }

    public int NextNumber() => ++_number;

    public void Count(string what) => _report.Count(what);

    public void Complain(string what) => _wrong.Add(what);

    public bool Overlaps(string volume, int first, int count) =>
        _clients.Exists(client => client.Volume == volume && client.Overlaps(first, count));

    /// <summary>A verb changes it now.</summary>
    public bool IsUnderWay(string volume) => _verbs!.IsUnderWay(volume);

    public bool IsOpen(string volume) => _clients.Exists(client => client.Volume == volume);

    public bool HasInFlight(string volume) => _clients.Exists(client => client.Volume == volume && client.InFlight > 0);

    /// <summary>What a read showed must be what was last written.</summary>
    public void Compare(string volume, int first, ReadOnlySpan<byte> bytes)
    {
        for (var at = 0; at < bytes.Length; at += Payload.SectorBytes)
        {
            var sector = first + at / Payload.SectorBytes;
            var value = Payload.Read(bytes.Slice(at, Payload.SectorBytes), sector);
            if (_wrong.Count < 10 && (value == Payload.Broken || !_model.IsNewest(volume, sector, value)))
                Complain($"A read of sector {sector} of '{volume}' showed {Payload.Describe(bytes.Slice(at, Payload.SectorBytes))}.");
        }
    }

    /// <summary>Lets everything in flight come to its end.</summary>
    public void Drain()
    {
        for (var rounds = 0; _clients.Exists(client => client.InFlight > 0); rounds++)
        {
            if (rounds > 10_000)
                throw new InvalidOperationException("requests in flight do not end");
            if (rounds % 100 == 99)
                _time.Advance(TimeSpan.FromMinutes(2)); // they wait for space, and nobody will make any
            _clients.ForEach(client => client.Kick());
            Turn();
        }
    }

    public void Attach(Action turn) => _turn = turn;

    public void Await(Func<bool> isDone)
    {
        while (!isDone())
        {
            if (_verbs is { IsQuiet: false })
            {
                for (var i = Random.Next(3); i > 0; i--)
                    ClientActs();
                _verbs.MaybeAnother();
            }
            Turn();
        }
    }

    public void LetRequestsFinish()
    {
        if (++_waits > 1000)
            throw new InvalidOperationException("the worker waits for requests that do not finish");
        foreach (var client in _clients.Where(client => !client.IsBusy))
            client.Kick();
    }

    public void Dispose() => _disk.Dispose();

    private void RunToEnd(int steps)
    {
        var pool = ThinPool.Open(_disk, CutOptions.Of(_fault) with { Driver = this, Time = _time, Log = line => _said = line });
        _verbs = new CutVerbs(this, pool, _disk);
        for (var i = 0; i < steps; i++)
            Step();
        var isClean = Random.Next(3) == 0;
        if (!isClean)
            Log.Close();
        Drain();
        foreach (var client in TakeClients())
            client.Dispose();
        if (pool.Mode >= PoolMode.ReadOnly)
            Complain($"The pool is {pool.Mode}, and no disk has failed. It said last: {_said}"); // running out of space is no mistake
        if (isClean)
            _verbs.Close();
        else
            pool.Dispose();
        if (Log.Events.Any(happened => happened is DiskWrite write && write.OffsetBytes == _layout.CatalogB.OffsetBytes))
            Count("other journal begun");
    }

    private void Turn()
    {
        _waits = 0;
        _turn!();
    }

    private void Step()
    {
        switch (_clients.Count == 0 ? 90 : Random.Next(100))
        {
            case < 72:
                ClientActs();
                break;
            case < 86:
                Turn();
                break;
            case < 88:
                // Mostly the second after which the pool commits by itself; now and then as long as a write waits for space.
                _time.Advance(TimeSpan.FromSeconds(Random.Next(4) == 0 ? 70 : 1.5));
                Count("time passes");
                Turn();
                break;
            case < 91:
                OpenOrClose();
                break;
            default:
                _verbs!.Run();
                break;
        }
    }

    /// <summary>The disk is at work for somebody; others go on.</summary>
    private void Meanwhile()
    {
        if (_depth > 0 || _verbs is not { IsQuiet: false } || Random.Next(100) >= 30)
            return;
        _depth++;
        ClientActs();
        _depth--;
    }

    private void ClientActs()
    {
        var idle = _clients.Where(client => !client.IsBusy).ToList();
        if (idle.Count == 0)
            return;
        var client = idle[Random.Next(idle.Count)];
        switch (Random.Next(5))
        {
            case < 3:
                client.Submit();
                break;
            case 3:
                client.Kick();
                break;
            default:
                client.Reap();
                break;
        }
    }

    private void OpenOrClose()
    {
        if (_clients.Count == ClientsMax || (_clients.Count > 1 && Random.Next(3) == 0))
        {
            var client = _clients[Random.Next(_clients.Count)];
            if (client.InFlight > 0)
                return;
            _clients.Remove(client);
            client.Dispose();
        }
        else if (_verbs!.PickToOpen() is { } volume)
        {
            _clients.Add(new CutClient(this, volume, _verbs.Open(volume)));
        }
        else
        {
            _verbs.Run();
        }
    }

    /// <summary>Whoever is going must not act any more.</summary>
    private CutClient[] TakeClients()
    {
        CutClient[] all = [.. _clients];
        _clients.Clear();
        return all;
    }
}
