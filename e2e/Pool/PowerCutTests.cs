using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Tests.Pool;
using CsiThin.Core.Tests.Support;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Pool;

/// <summary>What a power cut leaves, judged by the kernel's own checker.</summary>
public sealed class PowerCutTests(Xunit.Abstractions.ITestOutputHelper output) : IDisposable
{
    private const int Samples = 40;
    private readonly string _directory = Directory.CreateTempSubdirectory("csithin-cut-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Thin_check_finds_the_metadata_sound_after_a_cut_anywhere()
    {
        var random = TestSeed.NewRandom(output);
        using var workload = new CrashWorkload(random.Next(), cutChance: 0.3);
        workload.Run(120);
        var cuts = workload.Cuts.ToArray();
        random.Shuffle(cuts);
        Assert.True(cuts.Length >= Samples, $"only {cuts.Length} cuts were made");
        foreach (var (disk, model) in cuts.Take(Samples))
        {
            Assert.Empty(model.Verify(disk));
            // Once more after the engine has opened, scrubbed and closed it.
            ThinCheck(disk);
        }
    }

    [Fact]
    public void Thin_check_finds_the_metadata_sound_before_anybody_has_opened_it_again()
    {
        var random = TestSeed.NewRandom(output);
        using var workload = new CrashWorkload(random.Next(), cutChance: 0.1);
        workload.Run(120);
        foreach (var (disk, _) in workload.Cuts.Take(Samples))
            ThinCheck(disk);
    }

    private void ThinCheck(MemoryDisk disk)
    {
        var file = Path.Combine(_directory, "metadata");
        using (var inspector = PoolInspector.Open((IDisk)disk))
        using (var stream = File.Create(file))
            inspector.CopyMetadata(stream);
        Tool.Run("thin_check", file);
    }
}
