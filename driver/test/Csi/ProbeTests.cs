using System.Diagnostics;
using Csi.V1;
using CsiThin.Driver.Control;
using CsiThin.Driver.Csi;
using CsiThin.Driver.Volumes;
using Xunit;

namespace CsiThin.Driver.Tests.Csi;

/// <summary>What the plug-in of a node says of itself, whose engine is another process.</summary>
public sealed class ProbeTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Ready_is_what_the_pools_say(bool isReady) =>
        Assert.Equal(isReady, await ProbeAsync(_ => Task.FromResult(isReady)));

    [Fact]
    public async Task An_engine_that_is_away_is_no_error_and_is_not_waited_for()
    {
        // The patience of every other call: ten seconds.
        using var absent = new EngineConnection("/nowhere/engine.sock", EnginePatience.Default, TimeProvider.System);
        var begin = Stopwatch.GetTimestamp();
        Assert.False(await ProbeAsync(token => IdentityService.AnyPoolServesAsync(new RemotePools(absent), token)));
        Assert.True(Stopwatch.GetElapsedTime(begin) < EnginePatience.Default.Return / 2, "it waited for the engine");
    }

    [Fact]
    public async Task An_engine_that_hangs_is_not_waited_for() =>
        Assert.False(await ProbeAsync(async token =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return true;
        }));

    [Fact]
    public async Task An_engine_that_has_gone_away_is_no_error() =>
        Assert.False(await ProbeAsync(_ => throw new VolumeException(VolumeError.Unavailable, "it went away")));

    private static async Task<bool> ProbeAsync(Func<CancellationToken, Task<bool>> isReady)
    {
        var answer = await new IdentityService(isReady, TimeProvider.System)
            .Probe(new ProbeRequest(), new FakeCall()).WaitAsync(TimeSpan.FromSeconds(30));
        return answer.Ready!.Value;
    }
}
