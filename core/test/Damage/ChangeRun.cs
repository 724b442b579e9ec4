using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tests.Damage;

/// <summary>Changes of every kind to an open pool that may be damaged. What fails is aborted, as a pool's owner would.</summary>
internal sealed class ChangeRun(ThinMetadata metadata, Random random)
{
    private const uint NewThin = 77;

    private MetadataException? _failure;

    /// <summary>The first failure, or null when every change was made and committed.</summary>
    public MetadataException? Run()
    {
        var thins = Answer.Of(metadata.ListThins);
        _failure = thins.Error;
        Try(() => metadata.CreateThin(new ThinId(NewThin)));
        Try(() => Write(new ThinId(NewThin), 3));
        var known = thins.Value ?? [];
        for (var i = Math.Min(6, known.Count); i > 0; i--)
            Change(known[random.Next(known.Count)].Id);
        if (metadata.GetMetadataSnapshot() is not null)
            Try(Release);
        Try(metadata.ReserveMetadataSnapshot);
        Try(metadata.ReleaseMetadataSnapshot);
        Try(() => metadata.GrowData(metadata.DataBlocks + 20_000));
        return _failure;
    }

    private void Change(ThinId id)
    {
        if (Answer.Of(() => metadata.Exists(id)) is { IsError: false, Value: false })
            return;
        Try(() => Write(id, (ulong)random.Next(600)));
        Try(() => metadata.CreateSnapshot(new ThinId(id.Value ^ 0x8000), id));
        Try(() => Write(id, (ulong)random.Next(600)));
        Try(() => Write(new ThinId(id.Value ^ 0x8000), (ulong)random.Next(600)));
        Try(() => RemoveRange(id));
        if (random.Next(2) == 0)
            Try(() => metadata.DeleteThin(id));
        else
            Try(() => DeleteSome(id));
        Try(() => DeleteSome(new ThinId(id.Value ^ 0x8000)));
    }

    private void Write(ThinId id, ulong block)
    {
        using var thin = metadata.OpenThin(id);
        _ = metadata.TryFind(thin, new VirtualBlock(block), out _);
        if (metadata.Find(thin, new VirtualBlock(block), out var mapping) && !mapping.IsShared)
            return;
        if (metadata.TryAllocateDataBlock(out var fresh))
            metadata.Insert(thin, new VirtualBlock(block), fresh);
    }

    private void RemoveRange(ThinId id)
    {
        using var thin = metadata.OpenThin(id);
        var begin = (ulong)random.Next(600);
        _ = metadata.RemoveRange(thin, new VirtualBlock(begin), new VirtualBlock(random.Next(3) == 0 ? ulong.MaxValue : begin + 300));
        if (metadata.FindHighestMapped(thin, out var highest))
            metadata.Remove(thin, highest);
        _ = metadata.FindMappedRange(thin, new VirtualBlock(0), new VirtualBlock(ulong.MaxValue), out _);
    }

    private void DeleteSome(ThinId id)
    {
        var cursor = new VirtualBlock(0);
        while (!metadata.DeleteThinSome(id, ref cursor, random.Next(1, 4)))
        {
        }
    }

    private void Release()
    {
        var next = 500_000u;
        foreach (var detached in metadata.DetachHeld(() => new ThinId(next++), leavesMax: 2))
            DeleteSome(detached);
        metadata.ReleaseMetadataSnapshot();
    }

    private void Try(Action change)
    {
        try
        {
            change();
            metadata.Commit();
        }
        catch (MetadataException e)
        {
            _failure ??= e;
            if (!metadata.IsFailed)
                _ = Answer.Of(Abort);
        }
    }

    private bool Abort()
    {
        metadata.Abort();
        return true;
    }
}
