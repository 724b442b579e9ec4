using CsiThin.Driver.Kube.Declared;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>
/// The declared pools of an engine: those not made yet are made when it starts, and only then; one whose disk comes later, or is free
/// later, is served from then on. Which pool each was is remembered in the state directory.
/// <para>Concurrency: <see cref="Make"/>, then one <see cref="RunAsync"/>.</para>
/// </summary>
internal sealed partial class DeclaredPart
{
    private static readonly TimeSpan GlancePeriod = TimeSpan.FromSeconds(5);

    // To open a device for a look may be in the way of whoever wants it, so that is done rarely while the list of devices stays the same.
    private static readonly TimeSpan LookPeriod = TimeSpan.FromMinutes(1);

    private readonly IReadOnlyList<PoolDeclaration> _declarations;
    private readonly IReadOnlyDictionary<string, string> _labels;
    private readonly string _stateDirectory;
    private readonly ILogger _log;
    private readonly TimeProvider _time = TimeProvider.System;
    private readonly NodeDevices _devices = new();
    private readonly Dictionary<string, string> _said = [];
    private readonly HashSet<string> _unopened = [];
    private readonly List<DeclaredPool> _unkept = [];

    private DeclaredPart(
        IReadOnlyList<PoolDeclaration> declarations, IReadOnlyDictionary<string, string> labels, string stateDirectory, ILogger log)
    {
        (_declarations, _labels, _stateDirectory, _log) = (declarations, labels, stateDirectory, log);
    }

    /// <summary>Reads the declarations in a file, and which of them apply to this node.</summary>
    public static async Task<DeclaredPart> ReadAsync(
        string path, NodeLabels labels, string stateDirectory, ILoggerFactory logs, CancellationToken cancellation)
    {
        var declarations = DeclarationFile.Read(path);
        var known = await labels.FindAsync(stateDirectory, cancellation).ConfigureAwait(false);
        return new DeclaredPart(
            DeclaredPools.Applying(declarations, known), known, stateDirectory, logs.CreateLogger("CsiThin.Declared"));
    }

    /// <summary>
    /// Makes what is to be made; returns the pools that have a device. What is refused is logged; the other pools are served all the same.
    /// </summary>
    public IReadOnlyList<PoolOption> Make()
    {
        OwnDirectory.Make(_stateDirectory);
        var remembered = RememberedPools.Read(_stateDirectory);
        if (remembered.IsDamaged)
            LogSetAside(_log, RememberedPools.SetAside(_stateDirectory));
        var outcomes = new DeclaredPools(_devices, remembered).Resolve(_declarations, _labels, makes: true);
        foreach (var outcome in outcomes)
        {
            foreach (var refusal in outcome.Refusals)
                LogPassedOver(_log, outcome.Declaration.Name, refusal);
            if (outcome is { IsNew: true, Path: { } made })
                LogMade(_log, outcome.Declaration.Name, made);
            Tell(outcome);
        }

        Keep(outcomes);
        return [.. outcomes.Where(one => one.Path is not null).Select(one => PoolOption.Of(one.Declaration, one.Path!))];
    }

    /// <summary>Takes up what comes later, until cancelled.</summary>
    public async Task RunAsync(EngineHost host, CancellationToken stop)
    {
        // What could not be opened will not be a moment later either.
        _unopened.UnionWith(Unserved(host).Select(one => one.Name));
        _unopened.ExceptWith(_said.Keys);
        string? seen = null;
        var lookedAt = _time.GetTimestamp();
        using var timer = new PeriodicTimer(GlancePeriod, _time);
        while (await timer.WaitForNextTickAsync(stop).ConfigureAwait(false))
        {
            var unserved = Unserved(host);
            if (unserved.Count == 0 && _unkept.Count == 0)
                continue;
            var now = Glance(unserved);
            var isNews = seen is not null && now != seen;
            if (seen is not null && !isNews && _time.GetElapsedTime(lookedAt) < LookPeriod)
                continue;
            if (isNews)
                _unopened.Clear();
            (seen, lookedAt) = (now, _time.GetTimestamp());
            TakeUp(host);
        }
    }

    private void TakeUp(EngineHost host)
    {
        try
        {
            var outcomes = new DeclaredPools(_devices, RememberedPools.Read(_stateDirectory)).Resolve(_declarations, _labels, makes: false);
            foreach (var outcome in outcomes.Where(one => !IsServed(host, one.Declaration)))
            {
                Tell(outcome);
                if (outcome is { Uuid: { } uuid, Path: { } device } && !_unopened.Contains(outcome.Declaration.Name))
                    TakeUp(host, outcome.Declaration, device, uuid);
            }

            Keep(outcomes);
        }
        catch (Exception failure)
        {
            // The pools that are served must not end with this; the next look tells again.
            LogNoLook(_log, failure.Message);
        }
    }

    private void TakeUp(EngineHost host, PoolDeclaration declaration, string device, Guid uuid)
    {
        if (!host.Pools.TryFind(uuid, out _) && host.TakeUp(PoolOption.Of(declaration, device)))
            LogTakenUp(_log, declaration.Name, device);
        else
            _unopened.Add(declaration.Name);
    }

    private List<PoolDeclaration> Unserved(EngineHost host) => [.. _declarations.Where(one => !IsServed(host, one))];

    private static bool IsServed(EngineHost host, PoolDeclaration declaration) =>
        host.Pools.All.Any(pool => pool.Name == declaration.Name);

    private string Glance(List<PoolDeclaration> declarations)
    {
        var candidates = new DeviceCandidates(_devices);
        var lines = new List<string>();
        foreach (var declaration in declarations)
            lines.AddRange(candidates.Find(declaration, lines).Select(one => $"{one.Path} {one.Facts}"));
        return string.Join('\n', lines);
    }

    // Once for each reason.
    private void Tell(DeclaredPool outcome)
    {
        var name = outcome.Declaration.Name;
        if (outcome.Trouble is not { } trouble)
            _said.Remove(name);
        else if (_said.GetValueOrDefault(name) != trouble.Message)
            LogNone(_log, name, _said[name] = trouble.Message);
    }

    // A pool that cannot be remembered is served all the same; it is tried again with the next look.
    private void Keep(IEnumerable<DeclaredPool> outcomes)
    {
        _unkept.AddRange(outcomes.Where(one => one.Uuid is not null));
        try
        {
            RememberedPools.Keep(_stateDirectory, _unkept);
            _unkept.Clear();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            LogNotKept(_log, _stateDirectory, failure.Message);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Declared pool {Name} was made on {Path}")]
    private static partial void LogMade(ILogger logger, string name, string path);

    [LoggerMessage(2, LogLevel.Warning, "Declared pool {Name} is not here: {Reason}")]
    private static partial void LogNone(ILogger logger, string name, string reason);

    [LoggerMessage(3, LogLevel.Information, "Declared pool {Name} left alone: {Refusal}")]
    private static partial void LogPassedOver(ILogger logger, string name, string refusal);

    [LoggerMessage(4, LogLevel.Information, "Declared pool {Name} has come: it is served from {Path}")]
    private static partial void LogTakenUp(ILogger logger, string name, string path);

    [LoggerMessage(
        5,
        LogLevel.Error,
        "Which pools this node had cannot be made out; the file was set aside as {Path}. Nothing is formatted this time")]
    private static partial void LogSetAside(ILogger logger, string path);

    [LoggerMessage(6, LogLevel.Error, "Which pools this node has cannot be written down in {Directory}: {Reason}")]
    private static partial void LogNotKept(ILogger logger, string directory, string reason);

    [LoggerMessage(7, LogLevel.Warning, "Declared pools are not looked at: {Failure}")]
    private static partial void LogNoLook(ILogger logger, string failure);
}
