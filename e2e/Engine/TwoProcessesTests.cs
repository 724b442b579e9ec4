using System.Text.Json;
using CsiThin.Core.Tests.Support;
using CsiThin.EndToEnd.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.EndToEnd.Engine;

/// <summary>Issue 4, part 1: engine and node as two processes that may die apart.</summary>
public sealed class TwoProcessesTests(ITestOutputHelper output) : IDisposable
{
    private const int Deaths = 4;
    private const int CutVerbs = 12;
    private const long Mib = 1 << 20;

    private readonly TwoProcesses _processes = new();

    [Fact]
    public async Task A_node_that_is_killed_again_and_again_breaks_no_io()
    {
        var volume = _processes.Create("a", 64 * Mib);
        var fio = Task.Run(() => Tool.Run(
            "fio",
            "--name=node", "--ioengine=nbd", $"--uri=nbd+unix:///{volume}?socket={_processes.NbdSocket}", "--size=48M", "--rw=randwrite",
            "--bs=16k", "--iodepth=16", "--verify=crc32c", "--verify_fatal=1", "--verify_backlog=200", "--time_based", "--runtime=8",
            $"--directory={_processes.File("")}"));
        for (var death = 0; death < Deaths; death++)
        {
            _processes.Node.Kill();
            _processes.StartNode();
            Assert.Equal(volume, _processes.Create("a", 64 * Mib));
            Assert.False(fio.IsFaulted, "fio has failed");
        }

        Assert.Contains("err= 0", await fio, StringComparison.Ordinal);
        Assert.Equal(0, _processes.Node.Terminate().ExitCode);
        Assert.Equal(0, _processes.Engine.Terminate().ExitCode);
    }

    /// <summary>
    /// The engine dies at a random moment of a verb. Before it is started again the pool is judged as it lies on the disk; then the node,
    /// which has waited for the engine, answers, and asking again gives what was asked for, whatever had become of the first time.
    /// </summary>
    [Fact]
    public async Task Verbs_cut_off_by_the_engines_death_are_wholly_done_or_wholly_not()
    {
        var random = TestSeed.NewRandom(output);
        var origin = _processes.Create("origin", 64 * Mib);
        var sizeBytes = 64 * Mib;
        var outcomes = new Dictionary<string, int>();
        for (var i = 0; i < CutVerbs; i++)
        {
            var name = $"n{i}";
            var victim = i % 4 == 3 ? _processes.Create($"victim{i}", Mib) : "";
            var (method, request, isDone) = (i % 4) switch
            {
                0 => ("CreateVolume", TwoProcesses.CreateRequest(name, 32 * Mib), Has("volume", name, 32 * Mib)),
                1 => ("CreateSnapshot", new { name, source_volume_id = origin }, Has("snapshot", name, sizeBytes)),
                2 => ("ControllerExpandVolume", Expand(origin, sizeBytes += Mib), Grown(sizeBytes)),
                _ => ("DeleteVolume", new { volume_id = victim }, (Judge)(volumes => !volumes.ContainsKey(("volume", $"victim{i}")))),
            };
            var call = Task.Run(() => _processes.Csi.Call($"Controller/{method}", request));
            await Task.Delay(random.Next(40));
            _processes.Engine.Kill();
            Assert.Equal(JsonValueKind.True, Support.Program.Json("pool", "check", _processes.Pool).GetProperty("sound").ValueKind);
            var wasDone = isDone(_processes.List());
            _processes.StartEngine();
            var (code, message, _) = await call;
            Assert.True(code is "OK" or "UNAVAILABLE", $"{method}: {code} {message}");
            Assert.True(code != "OK" || isDone(_processes.List()), $"{method} was acknowledged and is not there");
            _processes.Csi.Ok($"Controller/{method}", request);
            Assert.True(isDone(_processes.List()), $"{method} asked again is not there");
            var outcome = $"{(wasDone ? "done" : "not done")} at the death, {code}";
            outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
        }

        foreach (var (outcome, count) in outcomes)
            output.WriteLine($"{count} {outcome}");
    }

    public void Dispose() => _processes.Dispose();

    private static object Expand(string volume, long sizeBytes) =>
        new { volume_id = volume, capacity_range = new { required_bytes = sizeBytes } };

    private static Judge Has(string kind, string name, long sizeBytes) => volumes =>
    {
        if (!volumes.TryGetValue((kind, name), out var found))
            return false;
        Assert.Equal(sizeBytes, found.GetProperty("sizeBytes").GetInt64());
        return true;
    };

    private static Judge Grown(long sizeBytes) => volumes =>
    {
        var now = volumes[("volume", "origin")].GetProperty("sizeBytes").GetInt64();
        Assert.True(now == sizeBytes || now == sizeBytes - Mib, $"origin has {now} bytes");
        return now == sizeBytes;
    };

    /// <summary>Whether the verb was carried out; fails the test when it was in part.</summary>
    private delegate bool Judge(Dictionary<(string Kind, string Name), JsonElement> volumes);
}
