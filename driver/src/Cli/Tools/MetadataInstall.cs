using CsiThin.Core.Device;
using CsiThin.Core.Tools;

namespace CsiThin.Driver.Cli.Tools;

/// <summary>
/// Puts whole metadata in the place of other metadata: the old superblock goes first and the new one comes last, with barriers between, so
/// that a power cut or a stop leaves no metadata rather than half of two. What it was made of is still there to begin again.
/// </summary>
internal static class MetadataInstall
{
    private const int ChunkBytes = 1 << 20;
    private const int SuperblockBytes = 4096;

    /// <summary>Copies <paramref name="from"/>, which is no longer than <paramref name="to"/>, but for what is zero.</summary>
    public static void Copy(IDisk from, IDisk to, ToolRun run)
    {
        using var buffer = new AlignedBuffer(ChunkBytes);
        to.Write(0, buffer.Span[..SuperblockBytes]);
        to.Barrier();
        for (long at = 0; at < from.LengthBytes; at += ChunkBytes)
        {
            run.Report("installing", (ulong)at, (ulong)from.LengthBytes);
            var part = buffer.Span[..(int)Math.Min(ChunkBytes, from.LengthBytes - at)];
            from.Read(at, part);
            if (at == 0)
                part[..SuperblockBytes].Clear();
            // No reference leads to what the tools left untouched, so what lies there may stay.
            if (part.ContainsAnyExcept((byte)0))
                to.Write(at, part);
        }

        to.Barrier();
        from.Read(0, buffer.Span[..SuperblockBytes]);
        to.Write(0, buffer.Span[..SuperblockBytes]);
        to.Barrier();
    }
}
