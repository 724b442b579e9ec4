using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tests.PowerCuts;
using CsiThin.Core.Tests.Support;
using CsiThin.EndToEnd.Metadata;
using Xunit;

namespace CsiThin.EndToEnd.Pool;

/// <summary>What a power cut leaves, judged by the kernel's own checker.</summary>
public sealed class PowerCutTests(Xunit.Abstractions.ITestOutputHelper output) : IDisposable
{
    private const int Cuts = 3000;
    private const int SampleEvery = 20;
    private readonly string _directory = Directory.CreateTempSubdirectory("csithin-cut-").FullName;
    private int _samples;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Thin_check_finds_the_metadata_sound_after_a_cut_anywhere()
    {
        var report = new CutRun(TestSeed.NewRandom(output).Next(1 << 30), Cuts) { Look = Look }.Run();
        output.WriteLine($"{report.Cuts} cuts, {_samples} of them shown to thin_check");
        Assert.Empty(report.Failures);
        Assert.True(_samples >= Cuts / SampleEvery / 2, $"thin_check saw only {_samples} images");
    }

    private void Look(MemoryDisk image, int seed, int cut)
    {
        if (cut % SampleEvery != 0)
            return;
        Interlocked.Increment(ref _samples);
        // As the cut left it, and once more after the engine has opened, recovered and closed it.
        ThinCheck(image, $"{seed}.{cut}");
        var recovered = image.Copy();
        ThinPool.Open((IDisk)recovered, new PoolOpenOptions()).Close();
        ThinCheck(recovered, $"{seed}.{cut}.recovered");
    }

    private void ThinCheck(MemoryDisk disk, string name)
    {
        var file = Path.Combine(_directory, name);
        using (var inspector = PoolInspector.Open((IDisk)disk))
        using (var stream = File.Create(file))
            inspector.CopyMetadata(stream);
        ThinTools.AssertSound(file);
        File.Delete(file);
    }
}
