using CsiThin.Core.Tests.House;
using CsiThin.EndToEnd.Pool;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>
/// A pool read on a machine that has nothing of ours: <c>charts/docs/rescue.sh</c> and the kernel's own tools, as operations.md has it.
/// </summary>
public sealed class RescueTests : IDisposable
{
    private static readonly string Script = Path.Combine(SourceTree.Root, "charts", "docs", "rescue.sh");

    private readonly TempDirectory _directory = new();

    /// <inheritdoc/>
    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_pool_is_served_by_the_kernel_with_nothing_of_ours(bool isGrown)
    {
        var pool = _directory.File("pool");
        if (isGrown)
            GrownPool.Make(pool);
        else
            Support.Program.Json("pool", "format", pool, "--size", "256M");
        Support.Program.Json("volume", "create", pool, "letters", "--size", "64M");
        var content = MakeFileSystem(pool);
        if (isGrown)
            GrownPool.Fill(pool);

        var said = GuestKernel.Run(_directory, $"""
            head -c 64M /dev/ubda | strings -n 3 | grep letters >/dev/null
            bash {Script} /dev/ubda >pool.sh
            [ $(grep -c linear pool.sh) -eq {(isGrown ? 4 : 2)} ]
            head -n -1 pool.sh | bash -e
            thin_check /dev/mapper/csithin-meta
            thin_dump /dev/mapper/csithin-meta | grep 'dev_id="1"'
            tail -n 1 pool.sh | bash -e
            bash {Script} /dev/ubda 1 128M | bash -e
            mount -o ro /dev/mapper/csithin-1 /mnt
            cmp /mnt/letter {content}
            umount /mnt
            dmsetup status csithin-pool
            dmsetup remove csithin-1 csithin-pool csithin-data csithin-meta
            """, pool);
        Assert.DoesNotContain("needs_check", said, StringComparison.Ordinal);
        Assert.True(Support.Program.Json("pool", "check", pool).GetProperty("sound").GetBoolean());
    }

    [Fact]
    public void What_is_no_pool_is_refused_with_a_sentence()
    {
        var (exitCode, said) = Tool.TryRun("bash", Script, _directory.SparseFile("empty", 1 << 20));
        Assert.Equal(1, exitCode);
        Assert.Contains("has no CsiThin label", said, StringComparison.Ordinal);
    }

    /// <summary>A file system with one file on the pool's only volume; returns where the same bytes are.</summary>
    private string MakeFileSystem(string pool)
    {
        var files = Directory.CreateDirectory(_directory.File("files")).FullName;
        var letter = Path.Combine(files, "letter");
        File.WriteAllText(letter, string.Concat(Enumerable.Repeat("To whom it may concern. ", 100_000)));
        var image = _directory.SparseFile("image", 64 << 20);
        Tool.Run("mkfs.ext4", "-q", "-d", files, image);
        var socket = _directory.File("nbd.sock");
        using var export = Support.Program.Serve("volume", "export", pool, "letters", "--socket", socket);
        Tool.Run("nbdcopy", image, $"nbd+unix:///?socket={socket}");
        export.Terminate();
        return letter;
    }
}
