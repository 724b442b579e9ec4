using CsiThin.EndToEnd.Support;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>
/// One guest for all tests of a class, with a pool on /dev/ubda and no module loaded: each test loads what it needs. It runs the machine's
/// own kernel, whose nbd can be told nothing from another network namespace; from Linux 6.4 on it can.
/// </summary>
public sealed class BareGuest : IDisposable
{
    /// <summary>Formats the pool and boots.</summary>
    public BareGuest()
    {
        var disk = Directory.SparseFile("disk", 256 << 20);
        _ = Support.Program.Json("pool", "format", disk);
        Kernel = GuestKernel.Boot(Directory, new GuestOptions
        {
            Build = GuestBuild.Installed,
            Disks = [disk],
            MemoryMiB = 512,
        });
    }

    internal TempDirectory Directory { get; } = new();

    internal GuestKernel Kernel { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Kernel.Dispose();
        Directory.Dispose();
    }
}
